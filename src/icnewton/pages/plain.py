"""Self-contained HTML pages for the report."""


def page(title: str, body: str) -> str:
    """A self-contained HTML page with the given body."""
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title><style>
body {{ font: 15px/1.45 system-ui, sans-serif; margin: 1.5rem; color: #222; background: #fff }}
table {{ border-collapse: collapse }}
th, td {{ border-bottom: 1px solid #ddd; padding: .3rem .7rem; text-align: left }}
pre {{ background: #f6f6f6; padding: 1rem; overflow-x: auto; font-size: 13px }}
</style></head><body><h1>{title}</h1>{body}</body></html>
"""
