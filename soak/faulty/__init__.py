"""A build of the product with faults in it, each behind a switch, and the runs of the soak that must outlive or must see them."""
