"""The Label Studio app: a Django app that a stock Label Studio loads. It imports Django and an HTTP client only.

Label Studio (1.23) need not have Labelscape installed: `labelscape label-studio` copies this folder to where its Python
finds it, so every import in here is relative, and the work is done by the backend, over HTTP.
"""
