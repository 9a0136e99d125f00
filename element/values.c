#include "adain.h"

/* More than any network has channels and anybody mixes styles. GLib ends the program where it gets no memory. */
#define MOST_VALUES 65536

/* FALSE where an entry is not a number or there are too many; values and n are set in any case, with the entries before it. */
gboolean
adain_doubles_from_array (const GValue * array, gdouble ** values, guint * n)
{
  guint size = MIN (gst_value_array_get_size (array), MOST_VALUES);

  *n = 0;
  *values = size ? g_new (gdouble, size) : NULL;
  for (guint i = 0; i < size; i++) {
    GValue number = G_VALUE_INIT;
    const GValue *entry = gst_value_array_get_value (array, i);

    /* "<1,1>" on a command line holds integers; strings would be taken for the address of their text. */
    g_value_init (&number, G_TYPE_DOUBLE);
    if (G_VALUE_HOLDS_STRING (entry) || !g_value_transform (entry, &number))
      return FALSE;
    (*values)[(*n)++] = g_value_get_double (&number);
    g_value_unset (&number);
  }
  return size == gst_value_array_get_size (array);
}

void
adain_doubles_to_array (const gdouble * values, guint n, GValue * array)
{
  GValue number = G_VALUE_INIT;

  g_value_init (&number, G_TYPE_DOUBLE);
  for (guint i = 0; i < n; i++) {
    g_value_set_double (&number, values[i]);
    gst_value_array_append_value (array, &number);
  }
  g_value_unset (&number);
}

static void
take_doubles (GstStructure * structure, const char *field, const gdouble * values, guint n)
{
  GValue array = G_VALUE_INIT;

  g_value_init (&array, GST_TYPE_ARRAY);
  adain_doubles_to_array (values, n, &array);
  gst_structure_take_value (structure, field, &array);
}

/* As they were written: what is missing stays so. */
GstStructure *
adain_statistics_to_structure (const AdaInStatistics * s)
{
  GstStructure *structure = gst_structure_new_empty (ADAIN_STATISTICS_NAME);

  if (s->network)
    gst_structure_set (structure, "network", G_TYPE_STRING, s->network, NULL);
  if (s->n_mean)
    take_doubles (structure, "mean", s->mean, s->n_mean);
  if (s->n_std)
    take_doubles (structure, "std", s->std, s->n_std);
  return structure;
}

static gdouble *
to_doubles (const float *values, guint n)
{
  gdouble *doubles = g_new (gdouble, n);

  for (guint i = 0; i < n; i++)
    doubles[i] = values[i];
  return doubles;
}

GstStructure *
adain_current_to_structure (const char *network, const float *mean, const float *std, guint n)
{
  AdaInStatistics s = { g_strdup (network), to_doubles (mean, n), to_doubles (std, n), n, n };
  GstStructure *structure = adain_statistics_to_structure (&s);

  adain_statistics_clear (&s);
  return structure;
}

static void
read_doubles (const GstStructure * structure, const char *field, gdouble ** values, guint * n)
{
  const GValue *v = gst_structure_get_value (structure, field);

  *values = NULL;
  *n = 0;
  if (v && GST_VALUE_HOLDS_ARRAY (v))
    adain_doubles_from_array (v, values, n);
}

/* Fields that are missing or of another type stay empty: what is wrong with them is said where they are used. */
void
adain_statistics_from_structure (AdaInStatistics * s, const GstStructure * structure)
{
  s->network = g_strdup (gst_structure_get_string (structure, "network"));
  read_doubles (structure, "mean", &s->mean, &s->n_mean);
  read_doubles (structure, "std", &s->std, &s->n_std);
}

void
adain_statistics_copy (AdaInStatistics * to, const AdaInStatistics * from)
{
  to->network = g_strdup (from->network);
  to->mean = g_memdup2 (from->mean, from->n_mean * sizeof *from->mean);
  to->std = g_memdup2 (from->std, from->n_std * sizeof *from->std);
  to->n_mean = from->n_mean;
  to->n_std = from->n_std;
}

void
adain_statistics_clear (AdaInStatistics * s)
{
  g_free (s->network);
  g_free (s->mean);
  g_free (s->std);
  *s = (AdaInStatistics) { 0 };
}

/* The names that an array holds; entries that are no text are left out. For g_strfreev. */
gchar **
adain_names_from_array (const GValue * array)
{
  guint size = gst_value_array_get_size (array), n = 0;
  gchar **names = g_new0 (gchar *, size + 1);

  for (guint i = 0; i < size; i++) {
    const GValue *entry = gst_value_array_get_value (array, i);

    if (G_VALUE_HOLDS_STRING (entry) && g_value_get_string (entry))
      names[n++] = g_value_dup_string (entry);
  }
  return names;
}

void
adain_append_name (GValue * array, const gchar * name)
{
  GValue entry = G_VALUE_INIT;

  g_value_init (&entry, G_TYPE_STRING);
  g_value_set_string (&entry, name);
  gst_value_array_append_and_take_value (array, &entry);
}
