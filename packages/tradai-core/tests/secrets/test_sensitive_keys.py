import io
import json
import logging

import pytest

from tradai.core import configure_logging

SECRET = [
    *("password", "dbPassword", "db_passwd", "ssh-passphrase", "PASSWORDS", "password_2"),
    *("secret", "api_secret", "apiSecret", "client-secret", "secrets", "webhook_secret1"),
    *("token", "api_token", "bot_token", "botToken", "X-Auth-Token", "refresh_token", "tokens"),
    *("access_token", "AccessToken", "database_token", "coffee_token", "aws_session_token"),
    *("api_key", "apiKey", "APIKEY", "X-MBX-APIKEY", "private_key", "access_key", "listenKey"),
    *("aws_secret_access_key", "jwt_secret_key", "signing_key", "encryption-key", "api_keys"),
    *(
        "exchange_key",
        "binance_key",
        "binanceKey",
        "walletKey",
        "pw",
        "pwd",
        "db_pw",
        "dbPwd",
        "PWD",
    ),
    *("smtp_pass", "DB_PASS", "dbPass", "redis-pass", "pass_phrase", "seed_phrase", "seedPhrase"),
    *("recovery_phrase", "priv_key", "privkey", "master_key", "hmac_key", "ssh_key", "jwt"),
    *("creds", "db_creds"),
    *("bitget_key", "gateKey", "hyperliquid_key", "mexc-key"),
    *("authorization", "Proxy-Authorization", "Set-Cookie", "cookies", "credentials", "mnemonic"),
]
INNOCENT = [
    *("stake_token", "stakeToken", "base_token", "quote_token", "fee_token", "stake_tokens"),
    *("token_count", "tokens_used", "max_tokens", "next_token", "NextToken", "total_tokens"),
    *("key", "primary_key", "key_id", "aws_access_key_id", "secret_name", "secret_arn", "keys"),
    *("pair", "password_length", "passed", "bypass", "author", "authorized", "cookie_count"),
    *("pass", "low_pass", "highPass", "second_pass", "phrase", "sacred", "seed", "jwt_issuer"),
    *("private", "pwm", "spw", "cpwd", "exchange_keys_id", "wallet", "binance", "column_key"),
    *("stake_currency", "tokenizer", "secretary", "hotkey", "monkey", "signature", ""),
]


def masked(name: str) -> bool:
    stream = io.StringIO()
    configure_logging(stream=stream)
    logging.getLogger("tradai.test.names").info("said", extra={"fields": {name: "fake-value-1"}})
    return bool(json.loads(stream.getvalue())["fields"][name] == "***")


@pytest.mark.parametrize("name", SECRET)
def test_the_value_of_a_secret_name_is_masked(name: str) -> None:
    assert masked(name)


@pytest.mark.parametrize("name", INNOCENT)
def test_the_value_of_another_name_is_shown(name: str) -> None:
    assert not masked(name)
