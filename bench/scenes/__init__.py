"""The scenes, in the order in which they are played."""

from bench.scene import Scene
from bench.scenes import backlog, broadcast, crowd, drain, failing, horizon, inbox, inbox_floods, latency, neighbours, tls, workers

SCENES: dict[str, Scene] = {
    module.SCENE.name: module.SCENE
    for module in (drain, latency, neighbours, failing, crowd, broadcast, horizon, backlog, workers, tls, inbox, inbox_floods)
}
