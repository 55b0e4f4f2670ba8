"""textaxa: hierarchical text classification for people who own a taxonomy."""
