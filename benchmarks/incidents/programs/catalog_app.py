"""catalog: articles 1 to 400, under gunicorn."""

from __future__ import annotations

from flask import Flask, abort

app = Flask("catalog")


@app.get("/catalog/<key>")
def article(key: str) -> dict[str, object]:
    """One article; 404 above 400."""
    number = int(key)
    if not 1 <= number <= 400:
        abort(404)
    return {"article": number, "name": f"Lamp {number}", "cents": 900 + number * 7}
