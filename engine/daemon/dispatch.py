"""The table from a request's type to what answers it. Errors of all kinds become `Error` replies here."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable
from typing import Any

from engine.daemon.service import Engine
from engine.errors import EngineError
from engine.protocol import messages as m
from engine.protocol.framing import BadMessage, FrameError
from engine.receipts import steps

log = logging.getLogger(__name__)


async def answer(engine: Engine, request: m.Request, role: m.Role, uid: int | None = None) -> m.Reply:
    """The reply to one request; never raises but for cancellation. `uid`: of an operator, whose secrets are told."""
    try:
        match request:
            case m.GetEngine():  # this answer, and the next ones, depend on who asks
                return await engine_info(engine, role)
            case m.ListReceipts():
                return engine.receipts.answer(request.since, uid)
            case m.GetReceipt():
                return engine.receipts.get(request.number, uid, request.engine)
        return await HANDLERS[type(request)](engine, request)
    except Exception as error:  # noqa: BLE001 - whatever a request meets, its client is told and the engine goes on
        steps.blame(error)
        return error_reply(error, type(request).__name__)


def error_reply(error: Exception, doing: str) -> m.Error:
    """What a client is told of an exception; a defect of ours is logged with its traceback."""
    match error:
        case EngineError():
            return m.Error(code=error.code, message=error.message)
        case BadMessage():
            return m.Error(code=m.ErrorCode.BAD_MESSAGE, message=error.sentence)
        case FrameError():
            return m.Error(code=error.code, message=error.sentence)
        case _:
            log.error("%s failed", doing, exc_info=error)
            what = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
            return m.Error(
                code=m.ErrorCode.INTERNAL, message=f"{doing} met a defect of the engine ({what}); its log has more."
            )


async def engine_info(engine: Engine, role: m.Role) -> m.EngineInfo:
    containers = await engine.containers.list(True, [])
    return m.EngineInfo(
        pid=os.getpid(),
        keeper_pid=engine.keeper.pid,
        socket=str(engine.places.socket),
        version=engine.version,
        protocol=m.VERSION,
        role=role,
        rootless=engine.rootless,
        running=sum(container.status in (m.Status.RUNNING, m.Status.PAUSED) for container in containers),
        containers=len(containers),
    )


async def stop_engine(engine: Engine, request: m.StopEngine) -> m.Reply:
    names = [container.name for container in await engine.containers.list(False, [])]
    if names and not request.all:
        raise EngineError(
            m.ErrorCode.WRONG_STATE,
            f"Containers are running ({', '.join(names)}): stop them first, or stop all with the engine.",
        )
    if (terminals := [terminal.id for terminal in engine.terminals.list()]) and not request.all:
        raise EngineError(
            m.ErrorCode.WRONG_STATE,
            f"Terminals are open ({', '.join(terminals)}): close them first, or close all with the engine.",
        )
    engine.closing = True
    try:
        await engine.terminals.close_all()
        await engine.containers.stop_all()
        await _remove_networks(engine)
        await engine.keeper.shutdown()
    except BaseException:
        engine.closing = False
        raise
    engine.stopping.set()
    return m.Done()


async def _remove_networks(engine: Engine) -> None:
    """What can't be removed must not keep the engine alive: the next one finds it."""
    try:
        await engine.networks.remove_all()
    except EngineError as error:
        log.warning("something of the networks is left: %s", error.message)


async def get_doctor(engine: Engine, request: m.GetDoctor) -> m.Reply:
    return m.Doctor(findings=await engine.findings())


async def list_images(engine: Engine, request: m.ListImages) -> m.Reply:
    return m.Images(images=await asyncio.to_thread(engine.images.list))


async def create_container(engine: Engine, request: m.CreateContainer) -> m.Reply:
    _refuse_when_closing(engine)
    return await engine.containers.create(request.options)


async def make_spec(engine: Engine, request: m.MakeSpec) -> m.Reply:
    return m.MadeSpec(spec=await engine.containers.spec(request.options, request.root))


async def start_container(engine: Engine, request: m.StartContainer) -> m.Reply:
    _refuse_when_closing(engine)
    return await engine.containers.start(request.container)


async def run_container(engine: Engine, request: m.RunContainer) -> m.Reply:
    _refuse_when_closing(engine)
    return await engine.containers.run(request.options)


async def stop_container(engine: Engine, request: m.StopContainer) -> m.Reply:
    await engine.containers.stop(request.container, request.timeout)
    return m.Done()


async def kill_container(engine: Engine, request: m.KillContainer) -> m.Reply:
    await engine.containers.kill(request.container, request.signal)
    return m.Done()


async def pause_container(engine: Engine, request: m.PauseContainer) -> m.Reply:
    await engine.containers.pause(request.container)
    return m.Done()


async def unpause_container(engine: Engine, request: m.UnpauseContainer) -> m.Reply:
    await engine.containers.unpause(request.container)
    return m.Done()


async def remove_container(engine: Engine, request: m.RemoveContainer) -> m.Reply:
    await engine.containers.remove(request.container, request.force, request.volumes)
    return m.Done()


async def wait_container(engine: Engine, request: m.WaitContainer) -> m.Reply:
    return await engine.containers.wait(request.container)


async def rename_container(engine: Engine, request: m.RenameContainer) -> m.Reply:
    await engine.containers.rename(request.container, request.name)
    return m.Done()


async def list_containers(engine: Engine, request: m.ListContainers) -> m.Reply:
    return m.Containers(containers=await engine.containers.list(request.all, request.filters))


async def inspect_container(engine: Engine, request: m.InspectContainer) -> m.Reply:
    return m.Inspected(container=await engine.containers.inspect(request.container))


async def get_launch(engine: Engine, request: m.GetLaunch) -> m.Reply:
    return await engine.containers.launch(request.container)


async def top_container(engine: Engine, request: m.TopContainer) -> m.Reply:
    return m.Top(processes=await engine.containers.processes.list(request))


async def get_process(engine: Engine, request: m.GetProcess) -> m.Reply:
    return m.ProcessShown(detail=await engine.containers.processes.detail(request))


async def explain_process(engine: Engine, request: m.ExplainProcess) -> m.Reply:
    return await engine.containers.processes.explain(request)


async def signal_process(engine: Engine, request: m.SignalProcess) -> m.Reply:
    await engine.containers.processes.signal(request)
    return m.Done()


async def nice_process(engine: Engine, request: m.NiceProcess) -> m.Reply:
    await engine.containers.processes.renice(request)
    return m.Done()


async def list_changes(engine: Engine, request: m.ListChanges) -> m.Reply:
    return await engine.containers.changes(request.container, request.limit)


async def get_stats(engine: Engine, request: m.GetStats) -> m.Reply:
    return await engine.metrics.stats(request)


async def get_history(engine: Engine, request: m.GetHistory) -> m.Reply:
    return await engine.metrics.history(request)


async def explain_metric(engine: Engine, request: m.ExplainMetric) -> m.Reply:
    return await engine.metrics.explain(request)


async def create_volume(engine: Engine, request: m.CreateVolume) -> m.Reply:
    return m.Volumes(volumes=[await engine.volumes.create(request.name, request.labels)])


async def list_volumes(engine: Engine, request: m.ListVolumes) -> m.Reply:
    return m.Volumes(volumes=await engine.volumes.list(request.filters))


async def inspect_volume(engine: Engine, request: m.InspectVolume) -> m.Reply:
    return m.Volumes(volumes=[await engine.volumes.inspect(request.name)])


async def remove_volume(engine: Engine, request: m.RemoveVolume) -> m.Reply:
    await engine.volumes.remove(request.name)
    return m.Done()


async def prune_volumes(engine: Engine, request: m.PruneVolumes) -> m.Reply:
    return m.Volumes(volumes=await engine.volumes.prune(request.all))


async def create_network(engine: Engine, request: m.CreateNetwork) -> m.Reply:
    return m.Networks(networks=[await engine.networks.create(request)])


async def list_networks(engine: Engine, request: m.ListNetworks) -> m.Reply:
    return m.Networks(networks=await engine.networks.list(request.filters))


async def inspect_network(engine: Engine, request: m.InspectNetwork) -> m.Reply:
    return m.Networks(networks=[await engine.networks.inspect(request.network)])


async def remove_network(engine: Engine, request: m.RemoveNetwork) -> m.Reply:
    await engine.networks.remove(request.network)
    return m.Done()


async def prune_networks(engine: Engine, request: m.PruneNetworks) -> m.Reply:
    return m.Networks(networks=await engine.networks.prune())


async def connect_network(engine: Engine, request: m.ConnectNetwork) -> m.Reply:
    await engine.containers.connect(request.container, request.network)
    return m.Done()


async def disconnect_network(engine: Engine, request: m.DisconnectNetwork) -> m.Reply:
    await engine.containers.disconnect(request.container, request.network)
    return m.Done()


async def publish_port(engine: Engine, request: m.PublishPort) -> m.Reply:
    return m.Ports(ports=await engine.containers.publish(request.container, request.port))


async def unpublish_port(engine: Engine, request: m.UnpublishPort) -> m.Reply:
    return m.Ports(ports=await engine.containers.unpublish(request.container, request.port, request.protocol))


async def update_container(engine: Engine, request: m.UpdateContainer) -> m.Reply:
    return m.Updated(writes=await engine.containers.update(request.container, request.limits))


async def get_limits(engine: Engine, request: m.GetLimits) -> m.Reply:
    return await engine.containers.limits(request.container)


async def get_isolation(engine: Engine, request: m.GetIsolation) -> m.Reply:
    return await engine.containers.isolation(request.container)


async def get_seccomp(engine: Engine, request: m.GetSeccomp) -> m.Reply:
    return await engine.containers.seccomp(request.container)


async def get_network_map(engine: Engine, request: m.GetNetworkMap) -> m.Reply:
    return await engine.network_view.map()


async def get_container_network(engine: Engine, request: m.GetContainerNetwork) -> m.Reply:
    return await engine.network_view.container(request.container)


async def list_heaps(engine: Engine, request: m.ListHeaps) -> m.Reply:
    return m.Heaps(processes=await engine.heaps.list(request.container))


async def get_heap(engine: Engine, request: m.GetHeap) -> m.Reply:
    return m.HeapFigures(heap=await engine.heaps.report(request))


async def get_heap_map(engine: Engine, request: m.GetHeapMap) -> m.Reply:
    return m.HeapPicture(map=await engine.heaps.map(request))


async def get_free_list(engine: Engine, request: m.GetFreeList) -> m.Reply:
    return await engine.heaps.free_list(request)


async def get_heap_bytes(engine: Engine, request: m.GetHeapBytes) -> m.Reply:
    return await engine.heaps.bytes(request)


async def open_playground(engine: Engine, request: m.OpenPlayground) -> m.Reply:
    _refuse_when_closing(engine)
    return m.PlaygroundShown(playground=await engine.heaps.playgrounds.open(request.options, request.like))


async def list_playgrounds(engine: Engine, request: m.ListPlaygrounds) -> m.Reply:
    return m.Playgrounds(playgrounds=engine.heaps.playgrounds.list())


async def get_playground(engine: Engine, request: m.GetPlayground) -> m.Reply:
    return m.PlaygroundShown(playground=engine.heaps.playgrounds.get(request.playground))


async def play(engine: Engine, request: m.Play) -> m.Reply:
    played = engine.heaps.playgrounds.play(
        request.playground, request.operations, run=request.run, append=request.append
    )
    return m.PlaygroundShown(playground=await played)


async def seek_playground(engine: Engine, request: m.SeekPlayground) -> m.Reply:
    return m.PlaygroundShown(playground=await engine.heaps.playgrounds.seek(request.playground, request.step))


async def peek_playground(engine: Engine, request: m.PeekPlayground) -> m.Reply:
    return await engine.heaps.playgrounds.peek(request.playground)


async def list_play(engine: Engine, request: m.ListPlay) -> m.Reply:
    listed = await engine.heaps.playgrounds.operations(request.playground, request.first, request.limit)
    return m.Operations(operations=listed)


async def close_playground(engine: Engine, request: m.ClosePlayground) -> m.Reply:
    await engine.heaps.playgrounds.close(request.playground)
    return m.Done()


async def resize_terminal(engine: Engine, request: m.ResizeTerminal) -> m.Reply:
    await engine.containers.resize(request.container, request.columns, request.lines)
    return m.Done()


async def open_terminal(engine: Engine, request: m.OpenTerminal) -> m.Reply:
    _refuse_when_closing(engine)
    return await engine.terminals.open(request)


async def list_terminals(engine: Engine, request: m.ListTerminals) -> m.Reply:
    return m.Terminals(terminals=engine.terminals.list())


async def close_terminal(engine: Engine, request: m.CloseTerminal) -> m.Reply:
    await engine.terminals.close_terminal(request.terminal)
    return m.Done()


async def act_on_job(engine: Engine, request: m.ActOnJob) -> m.Reply:
    await engine.terminals.act(request)
    return m.Done()


async def get_presence(engine: Engine, request: m.GetPresence) -> m.Reply:
    return engine.presence.told()


async def end_presentation(engine: Engine, request: m.EndPresentation) -> m.Reply:
    engine.presence.end()
    return m.Done()


def _refuse_when_closing(engine: Engine) -> None:
    if engine.closing:
        raise EngineError(m.ErrorCode.SHUTTING_DOWN, "The engine is being stopped and starts nothing new.")


HANDLERS: dict[type[m.Request], Callable[[Engine, Any], Awaitable[m.Reply]]] = {
    m.StopEngine: stop_engine,
    m.GetDoctor: get_doctor,
    m.ListImages: list_images,
    m.CreateContainer: create_container,
    m.MakeSpec: make_spec,
    m.StartContainer: start_container,
    m.RunContainer: run_container,
    m.StopContainer: stop_container,
    m.KillContainer: kill_container,
    m.PauseContainer: pause_container,
    m.UnpauseContainer: unpause_container,
    m.RemoveContainer: remove_container,
    m.WaitContainer: wait_container,
    m.RenameContainer: rename_container,
    m.ListContainers: list_containers,
    m.InspectContainer: inspect_container,
    m.GetLaunch: get_launch,
    m.TopContainer: top_container,
    m.GetProcess: get_process,
    m.ExplainProcess: explain_process,
    m.SignalProcess: signal_process,
    m.NiceProcess: nice_process,
    m.ListChanges: list_changes,
    m.GetStats: get_stats,
    m.GetHistory: get_history,
    m.ExplainMetric: explain_metric,
    m.CreateVolume: create_volume,
    m.ListVolumes: list_volumes,
    m.InspectVolume: inspect_volume,
    m.RemoveVolume: remove_volume,
    m.PruneVolumes: prune_volumes,
    m.CreateNetwork: create_network,
    m.ListNetworks: list_networks,
    m.InspectNetwork: inspect_network,
    m.RemoveNetwork: remove_network,
    m.PruneNetworks: prune_networks,
    m.ConnectNetwork: connect_network,
    m.DisconnectNetwork: disconnect_network,
    m.PublishPort: publish_port,
    m.UnpublishPort: unpublish_port,
    m.UpdateContainer: update_container,
    m.GetLimits: get_limits,
    m.GetIsolation: get_isolation,
    m.GetSeccomp: get_seccomp,
    m.GetNetworkMap: get_network_map,
    m.GetContainerNetwork: get_container_network,
    m.ListHeaps: list_heaps,
    m.GetHeap: get_heap,
    m.GetHeapMap: get_heap_map,
    m.GetFreeList: get_free_list,
    m.GetHeapBytes: get_heap_bytes,
    m.OpenPlayground: open_playground,
    m.ListPlaygrounds: list_playgrounds,
    m.GetPlayground: get_playground,
    m.Play: play,
    m.SeekPlayground: seek_playground,
    m.PeekPlayground: peek_playground,
    m.ListPlay: list_play,
    m.ClosePlayground: close_playground,
    m.ResizeTerminal: resize_terminal,
    m.OpenTerminal: open_terminal,
    m.ListTerminals: list_terminals,
    m.CloseTerminal: close_terminal,
    m.ActOnJob: act_on_job,
    m.GetPresence: get_presence,
    m.EndPresentation: end_presentation,
}
