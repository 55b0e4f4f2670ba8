"""A head, an encoder and a decoder for textaxa, from outside. Nothing here is imported before one of them is used."""
