"""What the scripts share: folders, environments, Blenders, progress. Standard library only, Python 3.11 and newer."""
