# cython: language_level=3
"""From method and path to handler: one dictionary look-up, or a walk over the few routes with parameters. Hot.

Paths have no trailing slashes and are compared as they are; parameters stand for one segment.
"""


cdef class Router:
    """A table of routes, complete before the first request."""

    cdef dict fixed
    cdef list patterns
    cdef str prefix

    def __cinit__(self, str base_path not None="/"):
        self.fixed = {}
        self.patterns = []
        self.prefix = base_path.rstrip("/")

    def add(self, str method not None, str path not None, handler not None):
        """Register a handler; `{name}` as a whole segment is a parameter."""
        full = self.prefix + path
        if "{" not in full:
            self.fixed.setdefault(full, {})[method] = handler
            return
        segments = tuple(full.split("/"))
        for known, methods in self.patterns:
            if known == segments:
                methods[method] = handler
                return
        self.patterns.append((segments, {method: handler}))

    def match(self, str method not None, str path not None):
        """Find the handler.

        Returns `(handler, parameters, allowed)`. `handler` None with `allowed` methods: the path exists, the method does
        not (405). `handler` and `allowed` None: no such path (404). GET routes answer HEAD too.
        """
        cdef dict methods = <dict>self.fixed.get(path)
        cdef dict parameters
        if methods is not None:
            handler = methods.get(method)
            if handler is not None:
                return handler, None, None
            return self.other(method, methods, None)
        for segments, methods in self.patterns:
            parameters = bind(<tuple>segments, path)
            if parameters is not None:
                handler = methods.get(method)
                if handler is not None:
                    return handler, parameters, None
                return self.other(method, methods, parameters)
        return None, None, None

    cdef tuple other(self, str method, dict methods, dict parameters):
        if method == "HEAD" and "GET" in methods:
            return methods["GET"], parameters, None
        allowed = sorted(methods)
        if "GET" in methods and "HEAD" not in methods:
            allowed.insert(allowed.index("GET") + 1, "HEAD")
        return None, None, allowed


cdef dict bind(tuple segments, str path):
    cdef list parts = path.split("/")
    cdef dict parameters = {}
    cdef Py_ssize_t i
    cdef str segment
    if len(parts) != len(segments):
        return None
    for i in range(len(parts)):
        segment = <str>segments[i]
        if segment[:1] == "{":
            if not parts[i]:
                return None
            parameters[segment[1:-1]] = parts[i]
        elif segment != <str>parts[i]:
            return None
    return parameters
