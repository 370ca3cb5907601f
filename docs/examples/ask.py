# ruff: noqa: T201
"""Asks 政问 and shows each sentence as it comes, then the quotes it rests on.

python ask.py http://127.0.0.1:8000 "2021年全球计算设备算力总规模是多少？" [KEY]
"""

import sys

from service.client import Answer, Client, ClientError, Piece


def main(base_url: str, question: str, key: str = "") -> None:
    with Client(base_url, key) as client:
        for event in client.stream(question):
            if isinstance(event, Piece):
                print(event.text, end="", flush=True)
            if isinstance(event, Answer):
                print(event.text if event.status == "refused" else "")
                for citation in event.citations:
                    print(f"[{citation.marker}] {citation.title}「{citation.quote}」")


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except ClientError as error:
        sys.exit(str(error))
