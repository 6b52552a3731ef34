"""How usual a pose is: a mixture of probabilistic principal component analysers over recorded poses."""
