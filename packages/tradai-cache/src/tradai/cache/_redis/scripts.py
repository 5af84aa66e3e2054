"""Lua scripts and key names on Redis: values, leases, epochs and the message number.

A namespace has an epoch, a text that is part of every key in it: a new epoch clears it. Every
change and removal is published on one channel, with a number that grows by one each time, so that
a listener notices a missed message. Values and leases expire; epochs and the number do not.

Scripts are sent as text: they are short, needed on misses only, and a server that lost its script
cache (restart, failover, SCRIPT FLUSH) needs no fallback.
"""

from typing import Final

_PREFIX: Final = "tradai:"


def channel_of(database: int) -> str:
    """Return the channel of a database: channels are shared by all databases of a server."""
    return f"{_PREFIX}messages:{database}"


def number_key() -> str:
    """Return the key of the number of the last message."""
    return f"{_PREFIX}number"


def probe_key(node: str) -> str:
    """Return a key that only the process `node` uses, to probe its permissions."""
    return f"{_PREFIX}node:{node}"


def epoch_key(namespace: str) -> str:
    """Return the key of a namespace's epoch; the braces are a hash tag of Redis Cluster."""
    return f"{_PREFIX}{{{namespace}}}"


def value_key_prefix(namespace: str, epoch: str) -> bytes:
    """Return the prefix of a namespace's value keys; a digest in hexadecimal follows."""
    return f"{_PREFIX}{{{namespace}}}:{epoch}:".encode()


# A full server may still remove and publish. A lease is not worth its last memory.
_ALWAYS: Final = "#!lua flags=allow-oom\n"
_IF_ROOM: Final = "#!lua\n"

# Another program may have made a key of ours a list or a set: that is as if it were missing. GET
# would be an error then, and MGET is none.
_READ: Final = """
local function read(key) return redis.call('MGET', key)[1] end
"""

_PUBLISH: Final = (
    _READ
    + """
local function publish(kind, text)
  if not tonumber(read(KEYS[2])) then redis.call('SET', KEYS[2], 0) end
  local number = redis.call('INCR', KEYS[2])
  redis.call('PUBLISH', ARGV[1], kind .. ' ' .. number .. ' ' .. ARGV[2] .. ' ' .. text)
  return number
end
"""
)

# KEYS: epoch, number. ARGV: channel, node, namespace, a new epoch, digest. These three return the
# epoch that holds, and the number of a message that names it. A missing epoch was evicted or
# flushed: other processes may still use it, so a new one is published like any other.
JOIN: Final = (
    _ALWAYS
    + _PUBLISH
    + """
local epoch = read(KEYS[1])
if epoch then return {epoch, tonumber(read(KEYS[2])) or 0} end
redis.call('SET', KEYS[1], ARGV[4])
return {ARGV[4], publish('cleared', ARGV[4] .. ' ' .. ARGV[3])}
"""
)

CLEAR: Final = (
    _ALWAYS
    + _PUBLISH
    + """
redis.call('SET', KEYS[1], ARGV[4])
return {ARGV[4], publish('cleared', ARGV[4] .. ' ' .. ARGV[3])}
"""
)

INVALIDATE: Final = (
    _ALWAYS
    + _PUBLISH
    + """
local epoch = read(KEYS[1])
if not epoch then
  redis.call('SET', KEYS[1], ARGV[4])
  return {ARGV[4], publish('cleared', ARGV[4] .. ' ' .. ARGV[3])}
end
local value = KEYS[1] .. ':' .. epoch .. ':' .. ARGV[5]
redis.call('DEL', value, value .. ':lease')
return {epoch, publish('invalidated', ARGV[5] .. ' ' .. ARGV[3])}
"""
)

# A lease is a token, followed by ! when a process waits for its end.
_IS_MINE: Final = (
    _READ
    + """
local held = read(KEYS[1])
local waited = held == ARGV[1] .. '!'
if not waited and held ~= ARGV[1] then return 0 end
"""
)

# KEYS: lease, value, epoch. ARGV: token, epoch, lease in ms. Returns the state it found.
ACQUIRE: Final = (
    _IF_ROOM
    + _READ
    + """
if read(KEYS[3]) ~= ARGV[2] then return {'moved'} end
local value = read(KEYS[2])
if value then return {'value', value} end
local held = read(KEYS[1])
if not held or held == ARGV[1] then
  redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[3])
  return {'acquired'}
end
if string.sub(held, -1) ~= '!' then
  redis.call('SET', KEYS[1], held .. '!', 'KEEPTTL')
end
return {'busy', redis.call('PTTL', KEYS[1])}
"""
)

# KEYS: lease, value, epoch. ARGV: token, epoch, value, ms to keep it, channel, message.
STORE: Final = (
    _IF_ROOM
    + _IS_MINE
    + """
redis.call('DEL', KEYS[1])
if waited then redis.call('PUBLISH', ARGV[5], ARGV[6]) end
if read(KEYS[3]) ~= ARGV[2] then return 0 end
redis.call('SET', KEYS[2], ARGV[3], 'PX', ARGV[4])
return 1
"""
)

# KEYS: lease. ARGV: token, channel, message.
RELEASE: Final = (
    _ALWAYS
    + _IS_MINE
    + """
redis.call('DEL', KEYS[1])
if waited then redis.call('PUBLISH', ARGV[2], ARGV[3]) end
return 1
"""
)

# KEYS: lease. ARGV: token, lease in ms.
RENEW: Final = (
    _ALWAYS
    + _IS_MINE
    + """
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
"""
)

# KEYS: number, a probe key, epochs. ARGV: channel, node, nonce. Returns the number, then the
# epochs. Runs every command that is used elsewhere once, so that missing permissions show at once,
# and publishes the number: messages after that one are newer than the returned epochs.
SYNCHRONISE: Final = (
    _ALWAYS
    + _READ
    + """
redis.call('SET', KEYS[2], '1', 'PX', 1000)
redis.call('GET', KEYS[2])
redis.call('INCR', KEYS[2])
redis.call('PEXPIRE', KEYS[2], redis.call('PTTL', KEYS[2]))
redis.call('DEL', KEYS[2])
local number = tonumber(read(KEYS[1])) or 0
redis.call('PUBLISH', ARGV[1], 'here ' .. number .. ' ' .. ARGV[2] .. ' ' .. ARGV[3] .. ' -')
local answer = {number}
for first = 3, #KEYS, 1000 do
  local last = math.min(first + 999, #KEYS)
  for _, epoch in ipairs(redis.call('MGET', unpack(KEYS, first, last))) do
    answer[#answer + 1] = epoch
  end
end
return answer
"""
)
