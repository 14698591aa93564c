# cython: language_level=3
"""The choice of a variant: a pure function of function name, episode and what was tried before. Hot.

    u = first 4 bytes (big-endian) of SHA-256(function name + the episode's 16 bytes) / 2**32

so an episode keeps its variant for as long as the weights stay. Variants are walked in byte-wise order of
their names. Source: the sampling rules of TensorZero 2026.6, checked against recorded choices.

Where weights move (`AdaptiveSampler`), those count that were in force when the episode began, which its id
tells: so an episode keeps its variant although they move, and nobody has to remember it.
"""

from cpython.mem cimport PyMem_Free, PyMem_Malloc
from libc.stdint cimport int64_t, uint32_t

from bisect import bisect_right
from hashlib import sha256

cdef int64_t WORKFLOW_OFFSET_MS = 10_000_000_000_000


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

    def probabilities(self):
        """Return the probability of each variant to be the first; the sum is 1 unless nothing can be drawn."""
        cdef Py_ssize_t i
        if self.total > 0.0:
            return {name: self.weights[i] / self.total for i, name in enumerate(self.names)}
        if self.fallbacks:
            return {name: 1.0 if name == self.fallbacks[0] else 0.0 for name in self.names}
        return {name: 1.0 / len(self.names) for name in self.names}


cdef int64_t began_ms(bytes episode) except -1:
    """Return when an episode began: the upper 48 bits of its id; those of workflow runs carry an offset."""
    cdef const unsigned char* raw = episode
    cdef int64_t ms = 0
    cdef int i
    if len(episode) != 16:
        raise ValueError("an episode's id has 16 bytes")
    for i in range(6):
        ms = (ms << 8) | raw[i]
    return ms - WORKFLOW_OFFSET_MS if ms >= WORKFLOW_OFFSET_MS else ms


cdef class AdaptiveSampler:
    """Draws variants of one function by weights that change with time.

    `candidates` and `fallbacks` are what the experiment may try, `initial` are the weights before its first
    era. `variants` are all of the function: an episode keeps a variant that has left the experiment, but not
    one that has left the function. After a failure the fallbacks follow in their order, then what is left of
    candidates and fallbacks, equally likely.
    """

    cdef readonly tuple names
    cdef str function_name
    cdef frozenset known
    cdef Sampler initial
    cdef Sampler rest
    cdef tuple eras

    def __cinit__(self, str function_name not None, variants, candidates, fallbacks, initial):
        self.function_name = function_name
        self.known = frozenset(variants)
        self.initial = Sampler(function_name, initial, initial)
        self.rest = Sampler(function_name, self.known, dict.fromkeys(candidates, 0.0), fallbacks)
        self.names = self.rest.names
        self.eras = ((), ())

    def set_eras(self, eras not None):
        """Replace all eras at once: (first millisecond since 1970, weights), ascending.

        A draw sees either all of the old ones or all of the new ones.
        """
        begins = tuple(begin for begin, _ in eras)
        if list(begins) != sorted(begins):
            raise ValueError("eras must be in ascending order")
        self.eras = (begins, tuple(Sampler(self.function_name, weights, weights) for _, weights in eras))

    cdef Sampler at(self, int64_t ms):
        cdef tuple eras = self.eras
        cdef Py_ssize_t index = bisect_right(eras[0], ms)
        return self.initial if index == 0 else <Sampler>(<tuple>eras[1])[index - 1]

    def first(self, bytes episode not None):
        """Return the variant for a 16-byte episode id before anything was tried; None if there is none."""
        name = self.at(began_ms(episode)).first(episode)
        if name in self.known:
            return name
        return self.rest.after(episode, frozenset())

    def after(self, bytes episode not None, tried not None):
        """Return the next variant when those in `tried` have failed; None if none is left."""
        return self.rest.after(episode, tried)

    def probabilities(self, int64_t at_ms):
        """Return the probability of each variant to be the first for an episode that begins then."""
        shares = self.at(at_ms).probabilities()
        return {name: shares.get(name, 0.0) for name in self.names}
