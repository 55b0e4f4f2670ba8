"""Scoring of many files, on one machine or many: Ray Data, Spark, or this process.

Files come in (a folder, a pattern, addresses such as ``s3://…``), as many files with the predicted paths go out. The
work is cut into pieces beforehand; each is answered by one worker and written as one file, whole or not at all.
"""

from textaxa.distributed._frames import ray_predictions, spark_predictions
from textaxa.distributed._predict import ENGINES, PartsResult, predict_parts

__all__ = ["ENGINES", "PartsResult", "predict_parts", "ray_predictions", "spark_predictions"]
