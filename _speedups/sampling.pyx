# cython: language_level=3
"""The choice of a variant: a pure function of function name, episode and what was tried before. Hot.

    u = first 4 bytes (big-endian) of SHA-256(function name + the episode's 16 bytes) / 2**32

so an episode keeps its variant for as long as the weights stay. Variants are walked in byte-wise order of
their names. Source: the sampling rules of TensorZero 2026.6, checked against recorded choices.
"""

from cpython.mem cimport PyMem_Free, PyMem_Malloc
from libc.stdint cimport uint32_t

from hashlib import sha256


cdef double unit(object seed, bytes episode):
    cdef object digest = seed.copy()
    digest.update(episode)
    cdef bytes raw = digest.digest()
    cdef const unsigned char* p = raw
    cdef uint32_t head = (
        (<uint32_t>p[0] << 24) | (<uint32_t>p[1] << 16) | (<uint32_t>p[2] << 8) | <uint32_t>p[3]
    )
    return head / 4294967296.0


def episode_unit(str function_name not None, bytes episode not None):
    """Return the number in [0, 1) that decides for this function and episode (16 bytes)."""
    return unit(sha256(function_name.encode()), episode)


cdef class Sampler:
    """Draws variants of one function without replacement.

    `weights` None: every variant is equally likely. Otherwise only weighted variants are drawn, then
    `fallbacks` in their order, then (last resort) what is left of both, equally likely.
    """

    cdef readonly tuple names
    cdef readonly tuple fallbacks
    cdef object seed
    cdef bint uniform
    cdef double* weights
    cdef double total
    cdef set pool

    def __cinit__(self, str function_name not None, variants, weights=None, fallbacks=()):
        cdef Py_ssize_t i
        self.names = tuple(sorted(variants, key=str.encode))
        self.weights = <double*>PyMem_Malloc(max(1, len(self.names)) * sizeof(double))
        if self.weights == NULL:
            raise MemoryError()
        self.uniform = weights is None
        self.total = 0.0
        for i in range(len(self.names)):
            self.weights[i] = 1.0 if self.uniform else float(weights.get(self.names[i], 0.0))
            self.total += self.weights[i]
        self.fallbacks = tuple(fallbacks)
        self.pool = set(self.fallbacks) if self.uniform else set(self.fallbacks) | set(weights)
        self.seed = sha256(function_name.encode())

    def __dealloc__(self):
        PyMem_Free(self.weights)

    def first(self, bytes episode not None):
        """Return the variant for a 16-byte episode id before anything was tried; None if there is none."""
        cdef double u, threshold, running = 0.0
        cdef Py_ssize_t i, count = len(self.names)
        if count == 1 and self.total > 0.0:
            return self.names[0]
        if self.uniform:
            if count == 0:
                return None
            return self.names[<Py_ssize_t>(unit(self.seed, episode) * count)]
        if self.total <= 0.0:
            return self.after(episode, frozenset())
        u = unit(self.seed, episode)
        threshold = u * self.total
        for i in range(count):
            running += self.weights[i]
            if running > threshold:
                return self.names[i]
        for i in range(count - 1, -1, -1):
            if self.weights[i] > 0.0:
                return self.names[i]

    def after(self, bytes episode not None, tried not None):
        """Return the next variant when those in `tried` have failed; None if none is left."""
        cdef double total = 0.0, threshold, running = 0.0
        cdef list active = [name for name in self.names if name not in tried]
        cdef dict weight_of
        cdef double u
        if not active:
            return None
        u = unit(self.seed, episode)
        if not self.uniform:
            weight_of = {self.names[i]: self.weights[i] for i in range(len(self.names))}
            for name in active:
                total += <double>weight_of[name]
            if total > 0.0:
                threshold = u * total
                for name in active:
                    running += <double>weight_of[name]
                    if running > threshold:
                        return name
                return [name for name in active if <double>weight_of[name] > 0.0][-1]
            for name in self.fallbacks:
                if name not in tried:
                    return name
            if self.pool:
                active = [name for name in active if name in self.pool]
                if not active:
                    return None
        return active[<Py_ssize_t>(u * len(active))]
