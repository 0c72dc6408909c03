"""The example files of the documentation, and short documents made for one test each."""

from __future__ import annotations

from pathlib import Path

EXAMPLES = Path(__file__).resolve().parents[3] / "docs" / "examples" / "integrations"


def example(name: str) -> bytes:
    return (EXAMPLES / name).read_bytes()


def rule_body(name: str) -> str:
    return example(name).decode()


def edifact(*body: str, kind: str = "ORDERS", charset: str = "UNOC:3") -> bytes:
    segments = [
        f"UNB+{charset}+SENDER+RECEIVER+261120:0915+1",
        f"UNH+1+{kind}:D:96A:UN",
        *body,
        f"UNT+{len(body) + 2}+1",
        "UNZ+1+1",
    ]
    return "".join(f"{segment}'" for segment in segments).encode()


ISA = (
    "ISA*00*          *00*          *ZZ*SENDER         *ZZ*RECEIVER       "
    "*261120*0915*U*00401*000000001*0*T*>~"
)


def x12(*body: str, kind: str = "850", isa: str = ISA) -> bytes:
    segments = [
        "GS*PO*SENDER*RECEIVER*20261120*0915*1*X*004010",
        f"ST*{kind}*0001",
        *body,
        f"SE*{len(body) + 2}*0001",
        "GE*1*1",
        "IEA*1*000000001",
    ]
    return (isa + "".join(f"{segment}~" for segment in segments)).encode()
