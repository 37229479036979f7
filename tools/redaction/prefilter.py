"""`may_hold_secret`: one pass over a text that lets most log lines go by within microseconds.

Every finder of this package needs one of these words or beginnings; a test holds them to that.
"""

from __future__ import annotations

import re

# Each branch begins with a letter that is rare in logs, and looks back from there: `re` runs
# quickly over all other letters, as long as every branch begins with a plain character.
_WORD = re.compile(
    r"p(?:a?ss|wd|swd|w[\"'=: _]|hpsessid|ypi-|(?<=ldap)|(?<=otp)[\"'=: _]|(?<=dap)i[0-9a-f])"
    r"|c(?:ret|red|ookie|url|ode=|li |(?<=bc)p |(?<=orac)le|(?<=sc)ram-)"
    r"|k(?:en|ey|ia[a-z0-9]{8}|(?<=sk)-|(?<=pbk)df2|(?<=nrak)-|(?<=hook)s\.slack)"
    r"|uth(?:ori|[\"'=: ])"
    r"|g(?:(?<=sig)=|(?<=sig)nature=|(?<=log)in|(?<=sg)\.|(?<=mong)o|h[pousr]_|ithub_|ocspx"
    r"|l(?:pat|dt|rt|ptt|cbt|ft|soat|agent|oas|sa_|c_))"
    r"|b(?:earer|asic |(?<=mariadb))"
    r"|_(?:live_|test_|v1_|pat_|oat_|(?<=npm_)|(?<=hf_)|(?<=whsec_)|(?<=shp[acs][at]_))"
    r"|j(?:wt|sessionid=|(?<=eyj)|(?<=crudj)ti)"
    r"|x(?:ox|app-)|y(?:(?<=my)sql|(?<=y)a29)|v(?:(?<=hv)[sbr]\.|(?<=atlasv)1\.)"
    r"|q(?:~|(?<=sq)lcmd|(?<=bbitmq)admin)|f(?<=identif)ied|z(?<=aiz)a|w(?:(?<=/w)ebhooks)"
    r"|@(?:tcp\(|unix\(|//)|\$[0-9a-z][0-9a-z-]{0,20}\$|\{s?(?:sha|md5)"
)
_USER_INFO = re.compile(r"://[^\s\"'<>@]{0,256}@")
_LONG_NUMBER = re.compile(r"[2-6]\d\d\d(?:\d{10}|[ -]\d{4,6}[ -]\d{4,5})", re.ASCII)


def may_hold_secret(text: str) -> bool:
    """Whether `text` is worth a closer look; False means that there is no secret in it."""
    return (
        _WORD.search(text.lower()) is not None
        or _LONG_NUMBER.search(text) is not None
        or ("@" in text and _USER_INFO.search(text) is not None)
        or "ASIA" in text
        or ":AA" in text
        or "ATATT3" in text
    )
