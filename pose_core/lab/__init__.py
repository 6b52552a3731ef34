"""The laboratory: networks, training, measurement and rendered people. The product never imports it."""
