"""What every check needs: a database, processes that end with us, the product, and a tally. bench/ uses it too."""
