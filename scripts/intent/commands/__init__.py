"""One module per command of `intent`: arguments in, printed words out."""
