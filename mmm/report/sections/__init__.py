"""The page's sections: each function takes the inputs and gives a `Section`."""
