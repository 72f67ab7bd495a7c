"""What the workers do, a module per kind of work."""

from services.pdfcheck.worker import coaching, documents, headings, quality, twins
from services.pdfcheck.worker.coaching import CoachingJobs
from services.pdfcheck.worker.documents import REMOVING, DocumentJobs
from services.pdfcheck.worker.headings import HeadingJobs
from services.pdfcheck.worker.quality import QualityJobs
from services.pdfcheck.worker.twins import TwinJobs

#: Those that a worker does one at a time, keeping a place for the others.
SLOW = coaching.SLOW | documents.SLOW | headings.SLOW | quality.SLOW | twins.SLOW

__all__ = ["REMOVING", "SLOW", "CoachingJobs", "DocumentJobs", "HeadingJobs", "QualityJobs", "TwinJobs"]
