"""What `run --dry-run` prints."""

from __future__ import annotations

from idbench.generate.model import replaced_line
from idbench.records.dry_run import ModelPlan, PlannedWeights, RunPlan
from idbench.schema import counted

__all__ = ["print_plan"]


def print_plan(plan: RunPlan) -> None:
    """A plan as a person reads it."""
    told: set[str] = set()
    for one in plan.models:
        _print_model(one, told)
    for text in plan.blockers:
        print(f"would stop the run: {text}")
    if plan.images_given:
        print(f"images that exist: {', '.join(plan.images_given)}")
    print(f"run directory: {plan.out}; nothing was done")


def _print_model(plan: ModelPlan, told: set[str]) -> None:
    """told : what was said of models before, such as the others of a sweep; it is not said again."""
    done = plan.images - plan.to_do
    print(
        f"{plan.model}: {counted(plan.to_do, 'image')} to make"
        + (f", {counted(done, 'is', 'are')} made" if done else "")
    )
    if plan.replaced:
        print(f"  made anew    {replaced_line(plan.replaced)}")
    if plan.refused:
        print(f"  refused      {counted(plan.refused, 'image')} of cases with too many people; they count as failures")
    if plan.jobs:
        first = ", ".join(f"{job.case}--{job.seed}" for job in plan.jobs[:5])
        print(f"  jobs         {first}{', ... (all with --json)' if len(plan.jobs) > 5 else ''}")
    if plan.parameters:
        print(f"  parameters   {', '.join(f'{key}={value}' for key, value in plan.parameters.items())}")
    for need in plan.weights:
        print(f"  weights      {_in_words(need)}; {need.place}")
    if plan.gpu_memory_gb and plan.gpu_memory_gb_offloaded:
        less = f"{plan.gpu_memory_gb_offloaded:g} GB with offload=model"
        print(f"  GPU memory   about {plan.gpu_memory_gb:g} GB, {less} (estimated)")
    if plan.dollars is not None:
        print(f"  cost         about ${plan.dollars:.2f}, at most ${plan.spending_cap:g} (spending_cap)")
    for text in dict.fromkeys(plan.blockers):
        if text not in told:
            print(f"  would stop   {text}")
    if told.intersection(plan.blockers):
        print("  would stop   what is said above")
    told.update(plan.blockers)


def _in_words(need: PlannedWeights) -> str:
    state = "here" if need.here else f"missing, about {need.gigabytes:g} GB"
    gate = ", gated" if need.gated and not need.here else ""
    return f"{need.role}: {need.hub or need.file}, {state}{gate}, {need.licence}"
