"""What `textaxa tune` is made of: what is searched, the study, what is kept."""
