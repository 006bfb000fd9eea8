"""The named model families as a table, for docs/models.md: what cog puts between its markers."""

from tfcli.models.families import described


def text() -> str:
    """A line for each family."""
    lines = ["| family | creator | year | architecture | objectives | status |"]
    lines.append("| --- " * 6 + "|")
    for family in described():
        name = f"[{family.name}]({family.paper})" if family.paper else family.name
        told = {
            "supported": "supported",
            "alias": f"loads as {family.alias_of}",
            "removed": f"removed in {family.removed_in}; instead: {family.instead or '—'}",
        }[family.status]
        cells = [f"{name} (`{family.slug}`)", family.creator, family.year, family.architecture]
        cells += [", ".join(family.objectives), told]
        lines.append("| " + " | ".join(str(cell) for cell in cells) + " |")
    return "\n".join(lines)
