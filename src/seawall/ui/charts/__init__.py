"""Charts as SVG text: scales, ticks, layout and marks. Pure; no browser library, no style attribute, no script."""
