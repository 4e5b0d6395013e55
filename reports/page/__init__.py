"""The page, the paper and the files of a report, written."""
