"""Fields of msgspec Structs, and of classes with `__slots__`, read where they stand: no search by name.

A compiled module that reads a Struct by name pays a search for each read; one that keeps a `Field` pays a load.
An object of another type is read by name, as ever: a `Field` is never wrong, at worst slow.
"""

from cpython.object cimport PyObject, PyTypeObject

cdef extern from *:
    """
    #include <Python.h>
    #include "structmember.h"

    typedef struct {
        PyTypeObject* owner;
        Py_ssize_t offset;
        PyObject* name;
    } tz_field;

    /* Keeps type and name alive for good: fields are found once, when a module or a provider is set up. */
    static int tz_find_field(PyObject* owner, PyObject* name, tz_field* field) {
        PyObject* found = PyObject_GetAttr(owner, name);
        if (found == NULL) return -1;
        PyMemberDef* member =
            Py_TYPE(found) == &PyMemberDescr_Type ? ((PyMemberDescrObject*)found)->d_member : NULL;
        Py_DECREF(found);
        if (member == NULL || member->type != T_OBJECT_EX) {
            PyErr_Format(PyExc_TypeError, "%U of %R is no field that has a place", name, owner);
            return -1;
        }
        Py_INCREF(owner);
        Py_INCREF(name);
        PyUnicode_InternInPlace(&name);
        field->owner = (PyTypeObject*)owner;
        field->offset = member->offset;
        field->name = name;
        return 0;
    }

    static inline PyObject* tz_read(const tz_field* field, PyObject* holder) {
        if (Py_TYPE(holder) == field->owner) {
            PyObject* value = *(PyObject**)((char*)holder + field->offset);
            if (value != NULL) return Py_NewRef(value);
        }
        return PyObject_GetAttr(holder, field->name);
    }

    /* Borrowed; only for a holder whose type is known to be the field's. Null: there is no value. */
    static inline PyObject* tz_peek(const tz_field* field, PyObject* holder) {
        return *(PyObject**)((char*)holder + field->offset);
    }

    static inline PyObject* tz_make1(PyObject* type, PyObject* a) {
        PyObject* values[] = {a};
        return PyObject_Vectorcall(type, values, 1, NULL);
    }

    static inline PyObject* tz_make2(PyObject* type, PyObject* a, PyObject* b) {
        PyObject* values[] = {a, b};
        return PyObject_Vectorcall(type, values, 2, NULL);
    }

    static inline PyObject* tz_make4(PyObject* type, PyObject* a, PyObject* b, PyObject* c, PyObject* d) {
        PyObject* values[] = {a, b, c, d};
        return PyObject_Vectorcall(type, values, 4, NULL);
    }
    """
    ctypedef struct Field "tz_field":
        pass

    int find_field "tz_find_field"(object owner, str name, Field* field) except -1
    object read "tz_read"(const Field* field, object holder)
    PyObject* peek "tz_peek"(const Field* field, object holder)

    # An object of a type, from values by position.
    object make1 "tz_make1"(object type, object a)
    object make2 "tz_make2"(object type, object a, object b)
    object make4 "tz_make4"(object type, object a, object b, object c, object d)
