"""The pdfcheck service: composition root."""

from functools import partial

from services.catalogue import load
from services.kernel import runtime, wiring
from services.kernel.grpc_client import open_channel
from services.kernel.platform import Composition, Platform
from services.kernel.stored_files import Adopting, StoredFiles
from services.pdfcheck import consumer, grpc_api, worker
from services.pdfcheck.grpc_api.coaching import CoachPorts
from services.pdfcheck.repository import (
    PostgresCoaching,
    PostgresQualities,
    PostgresReports,
    PostgresSuggestions,
    PostgresTwins,
    PostgresTypedTexts,
)
from services.pdfcheck.settings import Settings
from services.pdfcheck.usecases.pictures import Pictures
from services.pdfcheck.usecases.shown import Shown
from services.pdfcheck.usecases.small import SmallPictures
from services.pdfcheck.usecases.text import Texts
from services.pdfcheck.usecases.typed import Desk


def compose(platform: Platform, settings: Settings) -> Composition:
    """Put the service together from connected ports."""
    catalogue = load.default()
    reports = PostgresReports(platform.database, platform.keys, platform.clock, platform.ids)
    qualities = PostgresQualities(platform.database, platform.keys, platform.clock, platform.ids)
    channel = open_channel(settings.upload_address)

    def token(dossier_id: str, organisation_path: str) -> str:
        return platform.own_token("upload", dossier_id=dossier_id, organisation_path=organisation_path)

    def sending_token(dossier_id: str, organisation_path: str) -> str:
        return platform.own_token("upload", dossier_id=dossier_id, organisation_path=organisation_path, action="upload")

    files = StoredFiles(channel, token)
    adopting = Adopting(channel, sending_token)
    coaching = PostgresCoaching(platform.database, platform.keys, platform.ids)
    coach = worker.CoachingJobs(
        platform=platform, catalogue=catalogue, reports=reports, coaching=coaching, files=files,
        adopting=adopting,
    )  # fmt: skip
    coach_ports = CoachPorts(
        coaching=coaching, reports=reports, files=files, queue=platform.queue, store=platform.storage,
        clock=platform.clock, ids=platform.ids,
    )  # fmt: skip
    previews = grpc_api.Previews(
        shown=Shown(reports, files, platform.storage),
        pictures=Pictures(platform.storage, platform.sandbox),
        texts=Texts(platform.storage, platform.sandbox, platform.keys),
        sandbox=platform.sandbox,
        clock=platform.clock,
    )
    jobs = worker.DocumentJobs(
        platform=platform,
        catalogue=catalogue,
        reports=reports,
        coaching=coaching,
        files=files,
        shown=previews.shown,
        pictures=previews.pictures,
        texts=previews.texts,
    )
    twins = PostgresTwins(platform.database)
    small = SmallPictures(files=files, reports=reports, store=platform.storage, pictures=previews.pictures)
    looks = worker.QualityJobs(
        platform=platform,
        catalogue=catalogue,
        reports=reports,
        qualities=qualities,
        files=files,
        small=small,
        reader=platform.reader,
    )
    comparing = worker.TwinJobs(platform=platform, twins=twins, small=small)
    suggestions = PostgresSuggestions(platform.database, platform.keys, platform.ids)
    reading = worker.HeadingJobs(
        platform=platform,
        catalogue=catalogue,
        reports=reports,
        suggestions=suggestions,
        files=files,
        reader=platform.reader,
    )
    typed = PostgresTypedTexts(platform.database, platform.keys)
    desk = Desk(
        catalogue=catalogue, texts=typed, files=files, adopting=adopting, store=platform.storage,
        sandbox=platform.sandbox, clock=platform.clock, ids=platform.ids,
    )  # fmt: skip
    api = partial(grpc_api.servicer, coach=coach_ports, desk=desk, expires_s=settings.download_url_expires_s)
    return Composition(
        servicers=[api(reports, platform.storage, platform.queue, previews, qualities, suggestions, catalogue, twins)],
        handlers=consumer.handlers(catalogue, reports, qualities, suggestions, twins, coaching, typed, platform.ids),
        jobs={**jobs.handlers(), **looks.handlers(), **coach.handlers(), **reading.handlers(), **comparing.handlers()},
        removing=worker.REMOVING,
        slow=worker.SLOW,
        closing=[channel.close],
    )


def main() -> None:
    """Run as `python -m services.pdfcheck.main`."""
    runtime.run("pdfcheck", Settings, compose, wiring.open_platform)
