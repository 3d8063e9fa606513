"""The memory of the agent as a tool's function sees it in `agent_state`: read, and written with the call's result."""


class Record(dict):
    """JSON with its fields as attributes too, as the client library shows them."""

    def __getattr__(self, name):
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None

    def __setattr__(self, name, value):
        self[name] = value


class Memory(Record):
    """Blocks by their labels, with the methods that tools written for the original call."""

    def list_block_labels(self):
        return [block['label'] for block in self['blocks']]

    def get_blocks(self):
        return self['blocks']

    def get_block(self, label):
        for block in self['blocks']:
            if block['label'] == label:
                return block
        labels = ', '.join(self.list_block_labels())
        raise KeyError(f'no memory block has the label {label} (there are: {labels})')

    def update_block_value(self, label, value):
        self.get_block(label)['value'] = value

    def set_block(self, block):
        self.update_block_value(block['label'], block['value'])


class Watched:
    """An agent's state for one call, and what the call has written to its memory."""

    def __init__(self, state):
        self.state = state
        self.before = {}
        if state is not None:
            state['memory'] = Memory(state.get('memory') or {'blocks': []})
            self.before = {block['label']: block['value'] for block in state['memory']['blocks']}

    def writes(self):
        blocks = self.state['memory']['blocks'] if self.before else []
        changed = [block for block in blocks if block['value'] != self.before.get(block['label'])]
        return [self.checked(block) for block in changed if block['label'] in self.before]

    def checked(self, block):
        label, value, limit = block['label'], block['value'], block.get('limit')
        before = self.before[label]
        if not isinstance(value, str):
            raise ValueError(f'the value of memory block "{label}" must be a string, not {type(value).__name__}')
        if block.get('read_only'):
            raise ValueError(f'memory block "{label}" is read-only')
        if limit is not None and len(value) > max(limit, len(before)):
            raise ValueError(f'memory block "{label}" would hold {len(value)} characters and its limit is {limit}')
        return {'label': label, 'before': before, 'after': value}
