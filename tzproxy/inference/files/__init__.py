"""File blocks: what a model gets of them, what the store keeps, where their bytes come from. Cold.

`read` settles a block's two forms when the request is read; `keep` does everything that takes time, and
only for requests that have files; `fetch` and `guard` reach for other people's servers, `storage` for
the object storage.
"""

from tzproxy.inference.files.mime import sniff_mime_type
from tzproxy.inference.files.read import UNCONFIGURED, FileStore, ReadFile, read_file

__all__ = ["UNCONFIGURED", "FileStore", "ReadFile", "read_file", "sniff_mime_type"]
