"""What `run --dry-run` prints."""

from __future__ import annotations

from typing import Any

__all__ = ["print_plan"]


def print_plan(planned: dict[str, Any]) -> None:
    """A plan as a person reads it."""
    for entry in planned["models"]:
        done = entry["images"] - entry["to_do"]
        print(f"{entry['model']}: {entry['to_do']} images to make" + (f", {done} are made" if done else ""))
        if entry["refused"]:
            print(f"  refused      {entry['refused']} images of cases with too many people; they count as failures")
        if jobs := entry["jobs"]:
            first = ", ".join(f"{job['case']}--{job['seed']}" for job in jobs[:5])
            print(f"  jobs         {first}{', ... (all with --json)' if len(jobs) > 5 else ''}")
        if entry["parameters"]:
            print(f"  parameters   {', '.join(f'{k}={v}' for k, v in entry['parameters'].items())}")
        for need in entry.get("weights", ()):
            state = "here" if need["here"] else f"missing, about {need['gigabytes']:g} GB"
            gate = ", gated" if need["gated"] and not need["here"] else ""
            what = f"{need['role']}: {need['hub'] or need['file']}, {state}{gate}, {need['licence']}"
            print(f"  weights      {what}; {need['place']}")
        if entry.get("gpu_memory_gb"):
            less = entry["gpu_memory_gb_offloaded"]
            print(f"  GPU memory   about {entry['gpu_memory_gb']:g} GB, {less:g} GB with offload=model (estimated)")
        if "dollars" in entry:
            print(f"  cost         about ${entry['dollars']:.2f}, at most ${entry['spending_cap']:g} (spending_cap)")
        for text in entry.get("blockers", ()):
            print(f"  would stop   {text}")
    for text in planned["blockers"]:
        print(f"would stop the run: {text}")
    if planned["images_given"]:
        print(f"images that exist: {', '.join(planned['images_given'])}")
    print(f"run directory: {planned['out']}; nothing was done")
