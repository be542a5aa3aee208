"""Chains the stages: suite -> generations -> faces -> scores -> summary -> report. The only module that knows them all.

A run directory belongs to one suite. A second run with the same arguments does only what is missing
(what networks computed comes out of the cache); other arguments replace tables, summary and report.
"""

from __future__ import annotations

from pathlib import Path

from idbench.account import Account, told_at_the_end
from idbench.config import RunConfig
from idbench.defaults import with_defaults
from idbench.describe import describe
from idbench.generate.folder import FolderProducer
from idbench.generate.handover import remove_workplaces
from idbench.generate.ledger import Ledger
from idbench.generate.oracles import OracleProducer
from idbench.generate.producer import Producer
from idbench.generate.schedule import PoolSettings, make_images, model_producers
from idbench.prepare import prepare, remarks
from idbench.progress import Progress, Warn, as_python_warning, silent
from idbench.report import write_report
from idbench.run_folder import RunFolder
from idbench.scoring import index_and_analyse, score_cases
from idbench.store import exclusive_lock
from idbench.suites import open_suite
from idbench.summary import Settings, summarise
from idbench.tables import read_tables
from idbench.thumbnails import lacking_thumbnails, make_thumbnails

__all__ = ["execute"]


def execute(config: RunConfig, progress: Progress = silent, warn: Warn = as_python_warning) -> Path:
    """Do everything `config` asks for; returns the run directory.

    Raises `IdbenchError` children with one line each; outcomes of single images are never raised.
    """
    suite = open_suite(config.suite, config.subsets)
    chosen: list[str] = []
    config = with_defaults(config, suite, chosen.append)
    opened = prepare(config, suite)
    run = RunFolder(Path(config.out).expanduser())
    with exclusive_lock(run.path), run.scratch() as scratch, told_at_the_end(Account(opened), warn) as account:
        remove_workplaces(scratch / "processes")

        # The suite, read once.
        previous = run.previous()
        index, account.unreadable = index_and_analyse(suite, opened.scoring, scratch / "photos", progress)
        run.check_same_suite(previous, index)
        account.index = index
        for line in [*chosen, *remarks(config, opened, previous)]:
            warn(line)

        # What is asked for.
        ledger = Ledger(run.ledger)
        models = account.models = model_producers(opened.models, config, run.images, ledger, progress)
        folders = account.folders = [FolderProducer(folder.match(index.ids)) for folder in opened.folders]
        oracles = [OracleProducer(opened.analyser, index, run.images)] if config.oracles else []
        record = describe(config, opened, index)
        run.write_record(record)  # before anything of an earlier run is replaced

        # Images that are missing.
        lacking = {case for model in models for case in model.settle(index.cases, progress)}
        lacking |= {case for oracle in oracles for case in oracle.lacking()}
        lacking |= lacking_thumbnails(run.path, index, config.gallery)
        index.fetch(suite, lacking, scratch / "photos")
        pools = PoolSettings(opened.devices, config.time_limit, scratch / "processes", run.logs)
        make_images(models, index, pools, progress, warn)

        # Scores: one row per person, image, recognizer and protocol.
        producers: list[Producer] = [*folders, *models, *oracles]
        account.people = score_cases(index, opened.scoring, producers, ledger, run.path, progress)
        run.remove_other_faces(opened.scoring.recognizers)
        verifications = account.people.verifications(config.false_accept_rate)
        run.write_verifications(verifications)

        # Summary and report.
        progress("statistics", 0, 1)
        settings = Settings(config.resamples, config.level, config.interval, config.statistics_seed)
        tables = read_tables(run.path)
        account.images = tables[1]
        run.write_summary(summarise(*tables, verifications, settings, record.sweep_values))
        progress("statistics", 1, 1)
        make_thumbnails(run.path, index, config.gallery, progress)
        counts = account.counts()
        state = "incomplete" if counts.not_tried else "finished"
        record = record.model_copy(update={"state": state, "counts": counts})
        progress("report", 0, 1)
        write_report(run.path, warn, record)
        progress("report", 1, 1)
        run.write_record(record)  # last: whatever is read of a finished run belongs together
    return run.path
