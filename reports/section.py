"""What a page is made of: sections of parts."""

from dataclasses import dataclass

from reports.charts import Chart
from reports.explorer import Explorer
from reports.figures import Drawn
from reports.surface_explorer import SurfaceExplorer
from reports.tables import Data, Table

Part = Drawn | Table | Data | Explorer | SurfaceExplorer | Chart


@dataclass(frozen=True)
class Section:
    """One part of the page, with a heading."""

    title: str
    anchor: str
    parts: tuple[Part, ...]
    note: str = ""
    says: tuple[str, ...] = ()
