"""What the tests of single reports share: two configs compared key by key."""


def flat(node, prefix=''):
    """Return every value of a nested dict by its dotted key; lists and empty dicts count as values."""
    if not isinstance(node, dict) or not node:
        return {prefix.lstrip('.'): list(node) if isinstance(node, tuple) else node}
    return {key: value for name, child in node.items() for key, value in flat(child, f'{prefix}.{name}').items()}


def changed_keys(ours, theirs):
    """Return the dotted keys in which two configs differ; one that is missing differs from any value."""
    first, second = flat(ours.to_dict()), flat(theirs.to_dict())
    return {key for key in first | second if first.get(key, 'absent') != second.get(key, 'absent')}
