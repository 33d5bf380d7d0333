"""Fewer heads and feed-forward units: what they matter, which stay, and the smaller layers.

After McCarley, Chakravarti & Sil, "Structured Pruning of a BERT-based Question Answering Model"
(2019, arXiv 1910.06360), and Kwon et al., "A Fast Post-Training Pruning Framework for Transformers"
(NeurIPS 2022).
"""
