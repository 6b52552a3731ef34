"""Campaigns: what `campaign.py` runs, one module each; `frame.py` is what they share."""
