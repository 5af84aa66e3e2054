"""The exchanges beside Binance whose spot market the engine supports (freqtrade 2026.9)."""

from typing import Final

from tradai.core import JsonValue
from tradai.entrypoint.freqtrade._exchange._recorded.exchange import RecordedExchange

_SPOT: Final[dict[str, JsonValue]] = {"fetchMarkets": {"types": ["spot"]}}
_BINANCE: Final = "https://api.binance.com"
_CONTRACTS: Final = "https://fapi.binance.com"
_COIN: Final = "https://dapi.binance.com"
_BYBIT: Final = "spot futures v2 public private"
_GATE: Final = (
    "public.wallet public.margin public.spot public.sub_accounts public.earn "
    "private.withdrawals private.wallet private.margin private.spot private.subAccounts "
    "private.unified private.rebate private.earn private.account private.loan private.otc"
)
_GATE_CONTRACTS: Final = (
    "public.futures public.delivery public.options private.futures private.delivery private.options"
)


_MARKETS_OF_OKX: Final = "/api/v5/public/instruments /api/v5/public/time"
_MARKETS_OF_GATE: Final = (
    "/api/v4/*/time /api/v4/spot/currencies /api/v4/*/currency_pairs /api/v4/options/underlyings "
    "/api/v4/*/contracts"
)


def _exchange(
    name: str,
    addresses: dict[str, str],
    public: str,
    options: dict[str, JsonValue] | None = None,
) -> RecordedExchange:
    return RecordedExchange(
        name=name, addresses=addresses, public=tuple(public.split()), options=options or {}
    )


RECORDED_EXCHANGES: Final = (
    _exchange(
        "binanceus",
        {
            "https://api.binance.us/sapi/v1": "sapi",
            "https://api.binance.us/sapi/v2": "sapiV2",
            "https://api.binance.us/sapi/v3": "sapiV3",
            f"{_BINANCE}/sapi/v4": "sapiV4",
            f"{_COIN}/dapi/v1": "dapiPublic dapiPrivate",
            f"{_COIN}/dapi/v2": "dapiPrivateV2",
            f"{_COIN}/futures/data": "dapiData",
            "https://eapi.binance.com/eapi/v1": "eapiPublic eapiPrivate",
            f"{_CONTRACTS}/fapi/v1": "fapiPublic fapiPrivate",
            f"{_CONTRACTS}/fapi/v2": "fapiPublicV2 fapiPrivateV2",
            f"{_CONTRACTS}/fapi/v3": "fapiPublicV3 fapiPrivateV3",
            f"{_CONTRACTS}/futures/data": "fapiData",
            "https://api.binance.us/api/v3": "public private",
            f"{_BINANCE}/api/v1": "v1",
            "https://papi.binance.com/papi/v1": "papi",
            "https://papi.binance.com/papi/v2": "papiV2",
            "https://www.binance.us": "web",
        },
        "/?api/v?/exchangeInfo /api/v?/exchangeInfo /?api/v?/time /api/v?/time",
    ),
    _exchange(
        "bingx",
        {
            "https://open-api.bingx.com/openApi": "fund spot swap contract wallets user subAccount "
            "account copyTrading cswap api"
        },
        "/openApi/spot/v?/common/symbols /openApi/swap/v?/quote/contracts "
        "/openApi/cswap/v?/market/contracts /openApi/swap/v?/server/time",
    ),
    _exchange(
        "bitget",
        {
            "https://api.bitget.com": "spot mix user p2p broker margin common tax convert copy "
            "earn uta"
        },
        "/api/v?/spot/public/* /api/v?/mix/market/contracts /api/v?/margin/currencies "
        "/api/v?/market/instruments /api/v?/public/time",
        _SPOT,
    ),
    _exchange("bybit", {"https://api.bybit.com": _BYBIT}, "/v5/market/*", _SPOT),
    _exchange("bybiteu", {"https://api.bybit.eu": _BYBIT}, "/v5/market/*"),
    _exchange(
        "gate",
        {"https://api.gateio.ws/api/v4": f"{_GATE} {_GATE_CONTRACTS}"},
        _MARKETS_OF_GATE,
        _SPOT,
    ),
    _exchange(
        "gateeu",
        {
            "https://api.gateeu.com/api/v4": _GATE,
            "https://api.gateio.ws/api/v4": _GATE_CONTRACTS,
        },
        _MARKETS_OF_GATE,
    ),
    _exchange(
        "htx",
        {
            "https://api.huobi.pro": "status spot public private v2Public v2Private",
            "https://api.hbdm.vn": "contract",
        },
        "/v?/common/* /v2/reference/currencies /*swap-api/v1/swap_contract_info "
        "/api/v1/contract_contract_info /api/v1/timestamp",
        {"fetchMarkets": {"types": {"spot": True, "linear": False, "inverse": False}}},
    ),
    _exchange(
        "hyperliquid",
        {"https://api.hyperliquid.xyz": "public private"},
        "/info",
        # One client hands this table of contracts to the other, and must have it.
        {**_SPOT, "hip3TokensByName": {}},
    ),
    _exchange(
        "kraken",
        {
            "https://api.kraken.com": "public private",
            "https://kraken.zendesk.com/api/v2/help_center/en-us/articles": "zendesk",
        },
        "/0/public/*",
    ),
    _exchange("myokx", {"https://eea.okx.com": "rest"}, _MARKETS_OF_OKX, _SPOT),
    _exchange("okx", {"https://www.okx.com": "rest"}, _MARKETS_OF_OKX, _SPOT),
)
