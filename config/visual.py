"""Where the visual editor's files are, once `run` or the image has put them there."""

from __future__ import annotations

from pathlib import Path

PACKAGES = {"visual/grapesjs": "grapesjs", "visual/newsletter": "grapesjs-preset-newsletter"}


def static_folders(frontend: Path) -> list[tuple[str, Path]]:
    """For STATICFILES_DIRS: what is there of the packages' ready-made files."""
    folders = {
        prefix: frontend / "node_modules" / name / "dist" for prefix, name in PACKAGES.items()
    }
    return [(prefix, folder) for prefix, folder in folders.items() if folder.is_dir()]
