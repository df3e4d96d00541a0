"""What can be wrong with a file of examples? One row each: whether it refuses the file, what is said, what to do next.

Sentences hold numbers, names of members and words of ours; never what an example says.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

import msgspec

Severity = Literal["error", "warning"]


class Rule(msgspec.Struct, frozen=True):
    """One kind of problem.

    Attributes:
        says: What happened, with `{gaps}` for figures.
        hint: What to do next.
        severity: An error refuses the file; a warning stands beside the dataset.
    """

    says: str
    hint: str
    severity: Severity = "error"


def _warning(says: str, hint: str) -> Rule:
    return Rule(says, hint, severity="warning")


_FILE = {
    "empty_file": Rule("The file has no lines.", "Write one JSON object on each line."),
    "file_too_large": Rule("The file has more than {most} bytes.", "Split it, or leave out what repeats."),
    "byte_order_mark": Rule("The file starts with a byte order mark.", "Save it as UTF-8 without one."),
    "json_array": Rule("The file is a JSON array.", "Write one JSON object on each line, without brackets around all."),
    "mixed_formats": Rule("This line is {found}, the lines before are {first}.", "Use one format in one file."),
    "unknown_format": Rule(
        "The line is of no known format.",
        "It needs `messages`; `prompt` and `completion`; a prompt with two answers; or `text`.",
    ),
    "method_mismatch": Rule("{method} does not learn from {found}.", "Its files are: {fitting}."),
    "formats_differ": Rule("The held-out file is {found}, the training file {first}.", "Use one format for both."),
    "too_few_examples": Rule("There are {count} examples; {least} are the least.", "Add more examples."),
    "all_answers_equal": Rule("All answers are the same.", "Nothing can be learnt from them: add the other answers."),
    "cannot_split": Rule(
        "All examples belong to one prompt, so none can be held out.", "Add other prompts, or give a held-out file."
    ),
    "leaked_prompt": Rule(
        "The prompt is also in the training file, line {other}.",
        "Take it out of one of the two: what was learnt by heart proves nothing.",
    ),
}

_LINE = {
    "blank_line": _warning("The line is empty.", "Leave it out."),
    "line_too_long": Rule("The line has more than {most} bytes.", "Shorten the example."),
    "not_utf8": Rule("Byte {column} of the line is not UTF-8.", "Save the file as UTF-8."),
    "invalid_json": Rule("The line is not valid JSON: {why} (column {column}).", "Write one JSON object on the line."),
    "number_out_of_range": Rule("A number is larger than any that is read.", "Write one that fits 64 bits."),
    "lone_surrogate": Rule(
        "A text has half of a surrogate pair (\\ud800 to \\udfff), which is not a character.",
        "Cut texts between characters, not between UTF-16 units.",
    ),
    "nested_too_deep": Rule("The line nests deeper than {most} levels.", "Flatten the innermost objects."),
    "doubled_member": Rule("The member stands twice in its object.", "Leave one of the two out."),
    "not_an_object": Rule("The line is {found}, not a JSON object.", "Write one JSON object on the line."),
    "nul_character": Rule("The text has a NUL character (\\u0000).", "Take it out: engines end texts there."),
    "replacement_character": _warning(
        "The text has a replacement character (U+FFFD).", "It was decoded wrongly once: make it again from its source."
    ),
}

_SHAPE = {
    "unknown_member": Rule("The member is not known here.", "Leave it out. Known are: {known}."),
    "missing_member": Rule("`{name}` is missing.", "Add it."),
    "wrong_type": Rule("The value is {found}, not {wanted}.", "Write {wanted}."),
    "old_functions": Rule(
        "`functions` and `function_call` are OpenAI's old form.", "Write `tools` and `tool_calls` instead."
    ),
    "no_messages": Rule("The list of messages is empty.", "Add the question and its answer."),
    "unknown_role": Rule("The role is not known.", "Use system (or developer), user, assistant or tool."),
    "second_system": Rule("There is a second system message.", "Put all of it into the first."),
    "system_not_first": Rule("The system message is not the first.", "Put it before all others."),
    "no_question": Rule("No user message stands before the answer.", "Begin with what the user says."),
    "answer_not_last": Rule("The last message is not the assistant's.", "End with the answer that is to be learnt."),
    "roles_repeat": _warning(
        "Two messages of the same role follow each other.", "Join them, unless that is how it is used."
    ),
    "no_content": Rule("The message has neither content nor calls.", "Add its `content`."),
    "empty_content": Rule("The text is empty.", "Fill it in, or leave the example out."),
    "unknown_part": Rule("The kind of content is not known.", "Use parts of type text."),
    "image_not_read": Rule("The base reads text only, and this is an image or sound.", "Describe it in words."),
    "text_parts_joined": _warning(
        "The text comes in several parts; they are joined with line breaks.",
        "Write one text, to be sure of the breaks.",
    ),
    "unknown_weight": Rule("The weight is neither 0 nor 1.", "Use 0 for answers not to be learnt, else 1."),
    "weight_without_answer": Rule("Only the assistant's messages have a weight.", "Leave it out here."),
    "nothing_to_learn": Rule("All answers have the weight 0.", "Give one of them the weight 1."),
    "too_many_answers": Rule(
        "The chat has {count} answers to learn; {most} are the most.", "Split it, or give some answers the weight 0."
    ),
    "answer_padded": _warning(
        "The answer begins or ends with white space.", "Trim it: templates do so differently when it is served."
    ),
}

_CALLS = {
    "doubled_tool": Rule("A tool of this name stands twice in `tools`.", "Leave one of the two out."),
    "call_without_tools": Rule("A tool is called, but the example has no `tools`.", "Add the tools to the line."),
    "unknown_tool": Rule("The tool that is called is not in `tools`.", "Add it, or correct the name."),
    "arguments_not_json": Rule("The arguments are not a JSON object.", "Write them as an object in a string."),
    "doubled_call": Rule("Another call before has the same id.", "Give each call its own id."),
    "result_without_call": Rule("No call before has this id.", "Correct `tool_call_id`, or add the call."),
    "call_without_result": Rule("The call has no result before the next message.", "Add a message of the role tool."),
}

_PAIRS = {
    "answer_is_prompt": Rule("The answer repeats the prompt.", "Write what is to be answered."),
    "same_answers": Rule("The chosen and the rejected answer are the same.", "Leave the pair out."),
    "rejected_missing": Rule("The pair has no rejected answer.", "Add `rejected` (or `non_preferred_output`)."),
    "one_answer_wanted": Rule("There must be exactly one message, the assistant's.", "Put all else into the prompt."),
    "prompts_differ": Rule("Chosen and rejected do not begin with the same messages.", "Give the prompt by itself."),
}

_BASE = {
    "no_chat_template": Rule("The base has no chat template.", "Add chat_template.jinja, or train on plain `text`."),
    "template_refuses": Rule("The base's chat template refuses the messages{why}.", "Write them as it expects them."),
    "answer_vanishes": Rule("The base's chat template leaves the answer out.", "Look at its template, or reword it."),
    "prompt_changes": Rule(
        "The base's chat template writes the prompt differently once the answer follows.",
        "What would be learnt is not what is asked: use a base whose template keeps prompts as they are.",
    ),
    "special_token": Rule(
        "The text has a special token of the base, which would end or begin a message.", "Take it out."
    ),
    "example_too_long": Rule(
        "The example has {tokens} tokens; {most} are the most.", "Shorten it, or raise max_tokens."
    ),
}

_WHOLE = {
    "doubled_example": _warning(
        "The example is the same as line {other}.", "Leave it out, unless it is to count more."
    ),
    "contradiction": _warning("Line {other} answers the same prompt differently.", "Decide which of the two holds."),
    "near_doubles": _warning(
        "{count} prompts are nearly the same as earlier ones, such as line {other}.", "Vary them, or leave them out."
    ),
    "near_leak": _warning(
        "{count} held-out prompts are nearly the same as ones to learn, such as line {other}.",
        "The held-out figures will flatter: give a held-out file of its own.",
    ),
    "rare_label": _warning("{count} of {all} answers occur less than {least} times.", "Add examples of them."),
    "dominant_label": _warning("One answer makes up {share} % of all.", "Add examples of the others."),
    "personal_data": _warning(
        "{count} lines have personal data of the kind {kind}.", "Mask it: models repeat what they have learnt."
    ),
    "nothing_held_out": _warning("Nothing is held out.", "The gate needs held-out examples: set a share."),
}

RULES: Mapping[str, Rule] = MappingProxyType({**_FILE, **_LINE, **_SHAPE, **_CALLS, **_PAIRS, **_BASE, **_WHOLE})
"""By their stable codes."""
