"""How hidden states become bytes, and tensors again."""
