"""What people are shown as examples is answered from the place that it was made of."""

from service.answer import Status
from service.example_questions import ExampleShelf, example_questions
from service.pipeline import Pipeline


def test_example_is_refused_or_answered_from_elsewhere(pipeline: Pipeline) -> None:
    examples = example_questions(pipeline, 6)
    assert examples
    for example in examples:
        answer = pipeline.ask(example.question)
        assert answer.status is Status.ANSWERED, example
        first = answer.citations[0]
        assert first.doc_id == example.doc_id
        assert first.start < example.end, example
        assert example.start < first.end, example


def test_examples_repeat_are_too_many_or_change(pipeline: Pipeline) -> None:
    examples = example_questions(pipeline, 6)
    assert len({example.question for example in examples}) == len(examples) <= 6
    assert example_questions(pipeline, 2) == examples[:2]
    assert example_questions(pipeline, 0) == []


def test_examples_are_drawn_anew_for_everybody(pipeline: Pipeline) -> None:
    shelf = ExampleShelf()
    assert shelf.of(pipeline) is shelf.of(pipeline)
