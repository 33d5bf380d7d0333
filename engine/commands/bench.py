"""`engine bench`: the time that cached states save, on one's own index and questions."""

from pathlib import Path
from typing import Annotated, Any

import torch
import typer

from engine.checkpoint import load_teacher
from engine.commands import bars, console
from engine.commands.options import DEVICE, INDEX, JSON, MODEL, PASSAGES, PRODUCTS
from engine.datasets.squad import read_questions
from engine.evaluation.speed import compare
from engine.search import SearchEngine


def bench(
    index: INDEX,
    questions: Annotated[
        Path, typer.Option(help="A SQuAD file, or a text file of one question a line.")
    ],
    teacher: Annotated[
        Path | None, typer.Option(help="Checkpoint folder of an undecomposed reader.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="Questions to time.")] = 50,
    passages: PASSAGES = 20,
    floor: Annotated[
        bool, typer.Option("--floor", help="Time the products with weights alone as well.")
    ] = False,
    threads: Annotated[int | None, typer.Option(min=1, help="Threads to compute with.")] = None,
    model: MODEL = None,
    device: DEVICE = "auto",
    products: PRODUCTS = "auto",
    as_json: JSON = False,
) -> None:
    """Time cached states against the same weights uncached, and against a teacher.

    Example: engine bench --index papers.idx --questions questions.txt
    """
    if threads is not None:
        torch.set_num_threads(threads)
    asked = read_questions(questions, limit)
    other = load_teacher(teacher, device=device, products=products) if teacher else None
    with (
        SearchEngine.open(index, model=model, device=device, products=products) as engine,
        bars.progress_bar("timing", len(asked)) as bar,
    ):
        result = compare(
            engine,
            asked,
            passages=passages,
            teacher=other,
            floor=floor,
            on_progress=bar,
        )
    console.show(result, as_json=as_json, human=_text)


def _text(result: dict[str, Any]) -> str:
    lines = [
        f"{result['questions']} questions, {result['passages']} passages each "
        f"({result['tokens']:.0f} wordpieces), {result['threads']} threads, {result['products']}:",
        f"  cached     {result['cached_ms']:.1f} ms, of which loading {result['load_ms']:.1f}",
        f"  uncached   {result['uncached_ms']:.1f} ms: {result['ratio']:.2f} times the cached",
    ]
    if "teacher_ms" in result:
        lines.append(
            f"  teacher    {result['teacher_ms']:.1f} ms: "
            f"{result['teacher_ratio']:.2f} times the cached"
        )
    if "floor_ms" in result:
        lines.append(
            f"  products   {result['floor_ms']:.1f} ms alone: "
            f"the cached takes {result['floor_ratio']:.2f} times as long"
        )
    lines.append(f"  stored     {result['bytes_per_token']:.0f} bytes a token")
    return "\n".join(lines)
