"""The video service: composition root."""

from services.catalogue import load
from services.kernel import runtime, wiring
from services.kernel.grpc_client import open_channel
from services.kernel.platform import Composition, Platform
from services.kernel.stored_files import StoredFiles
from services.video import consumer, grpc_api, worker
from services.video.repository import PostgresReports, PostgresTitleCards
from services.video.settings import Settings
from services.video.tools import disc
from services.video.usecases.disc_image import DiscImages


def compose(platform: Platform, settings: Settings) -> Composition:
    """Put the service together from connected ports."""
    catalogue = load.default()
    reports = PostgresReports(platform.database, platform.keys, platform.clock, platform.ids)
    cards = PostgresTitleCards(platform.database, platform.keys, platform.ids)
    channel = open_channel(settings.upload_address)

    def token(dossier_id: str, organisation_path: str) -> str:
        return platform.own_token("upload", dossier_id=dossier_id, organisation_path=organisation_path)

    files = StoredFiles(channel, token)
    jobs = worker.VideoJobs(
        platform=platform,
        catalogue=catalogue,
        reports=reports,
        cards=cards,
        files=files,
        images=DiscImages(store=platform.storage, tools=disc.IsoTools(), rehash=settings.disc_rehash),
        reader=platform.reader,
        opening_s=settings.opening_s,
        dual_layer=settings.disc_dual_layer,
    )
    return Composition(
        servicers=[
            grpc_api.servicer(
                grpc_api.Ports(
                    reports=reports,
                    cards=cards,
                    store=platform.storage,
                    queue=platform.queue,
                    files=files,
                    sandbox=platform.sandbox,
                    clock=platform.clock,
                    ids=platform.ids,
                    expires_s=settings.download_url_expires_s,
                )
            )
        ],
        handlers=consumer.handlers(catalogue, platform.ids),
        jobs=jobs.handlers(),
        removing=worker.REMOVING,
        slow=worker.SLOW,
        closing=[channel.close],
    )


def main() -> None:
    """Run as `python -m services.video.main`."""
    runtime.run("video", Settings, compose, wiring.open_platform)
