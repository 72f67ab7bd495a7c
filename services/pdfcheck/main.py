"""The pdfcheck service: composition root."""

from services.catalogue import load
from services.kernel import runtime, wiring
from services.kernel.grpc_client import open_channel
from services.kernel.platform import Composition, Platform
from services.kernel.stored_files import StoredFiles
from services.pdfcheck import consumer, grpc_api, worker
from services.pdfcheck.repository import PostgresReports
from services.pdfcheck.settings import Settings
from services.pdfcheck.usecases.pictures import Pictures


def compose(platform: Platform, settings: Settings) -> Composition:
    """Put the service together from connected ports."""
    catalogue = load.default()
    reports = PostgresReports(platform.database, platform.keys, platform.clock, platform.ids)
    channel = open_channel(settings.upload_address)

    def token(dossier_id: str, organisation_path: str) -> str:
        return platform.own_token("upload", dossier_id=dossier_id, organisation_path=organisation_path)

    files = StoredFiles(channel, token)
    pictures = Pictures(platform.storage, platform.sandbox)
    jobs = worker.DocumentJobs(platform=platform, catalogue=catalogue, reports=reports, files=files)
    expires_s = settings.download_url_expires_s
    return Composition(
        servicers=[grpc_api.servicer(reports, platform.storage, platform.queue, files, pictures, expires_s=expires_s)],
        handlers=consumer.handlers(catalogue, reports, platform.ids),
        jobs=jobs.handlers(),
        removing=worker.REMOVING,
        closing=[channel.close],
    )


def main() -> None:
    """Run as `python -m services.pdfcheck.main`."""
    runtime.run("pdfcheck", Settings, compose, wiring.open_platform)


if __name__ == "__main__":
    main()
