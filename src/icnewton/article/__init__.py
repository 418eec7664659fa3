"""The article: one page that shows the results of a scale, with every number taken from them."""
