/* go-glib registers a boxed type when its package starts. Where a process holds two copies of go-glib (a Go program and
 * this plugin), the second registration is a GLib critical. This definition is hidden, so it answers only the calls of
 * this library: with the existing type if there is one. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <glib-object.h>

__attribute__ ((visibility ("hidden"))) GType
g_boxed_type_register_static (const gchar * name, GBoxedCopyFunc copy, GBoxedFreeFunc free_func)
{
  GType (*next) (const gchar *, GBoxedCopyFunc, GBoxedFreeFunc);
  GType type = g_type_from_name (name);

  if (type)
    return type;
  *(void **) &next = dlsym (RTLD_NEXT, "g_boxed_type_register_static");
  return next (name, copy, free_func);
}
