/* Properties are set, read and told of. */
#include "_cgo_export.h"
#include "specs.h"

static GParamSpec *properties[N_PROPERTIES];
static const gchar *default_style;

static void
set_style_weights (GstAdaInFilter * self, const GValue * value)
{
  AdaInSettings *s = &self->settings;
  gdouble *weights;
  guint n;

  if (!adain_doubles_from_array (value, &weights, &n)) {
    g_free (weights);
    g_warning ("style-weights: entry %u is not a number or one too many; the old weights stay", n + 1);
    return;
  }
  GST_OBJECT_LOCK (self);
  g_free (s->style_weights);
  s->style_weights = weights;
  s->n_style_weights = n;
  s->style_serial++;
  GST_OBJECT_UNLOCK (self);
}

/* A structure without fields is none, as hosts write it that save what is unset; so is `NULL` in a launch line. */
static void
set_style_statistics (GstAdaInFilter * self, const GstStructure * structure)
{
  AdaInSettings *s = &self->settings;

  GST_OBJECT_LOCK (self);
  adain_statistics_clear (&s->statistics);
  s->use_statistics = structure && gst_structure_n_fields (structure) > 0;
  if (s->use_statistics)
    adain_statistics_from_structure (&s->statistics, structure);
  s->style_serial++;
  GST_OBJECT_UNLOCK (self);
}

/* Takes the place of statistics that were written. */
static void
set_style (GstAdaInFilter * self, const gchar * style)
{
  AdaInSettings *s = &self->settings;
  gboolean had_statistics;

  GST_OBJECT_LOCK (self);
  g_free (s->style);
  s->style = g_strdup (style ? style : default_style);
  had_statistics = s->use_statistics;
  s->use_statistics = FALSE;
  adain_statistics_clear (&s->statistics);
  s->style_serial++;
  GST_OBJECT_UNLOCK (self);
  if (had_statistics)
    g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_STYLE_STATISTICS]);
}

static void
set_styles (GstAdaInFilter * self, const GValue * value)
{
  gchar **names = adain_names_from_array (value);
  gchar *style = goAdaInJoin (self, names, g_strv_length (names));

  set_style (self, style);
  free (style);
  g_strfreev (names);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_STYLE]);
}

static void
get_styles (GstAdaInFilter * self, GValue * value)
{
  gchar *style;

  GST_OBJECT_LOCK (self);
  style = g_strdup (self->settings.style);
  GST_OBJECT_UNLOCK (self);
  goAdaInSplit (self, style, value);
  g_free (style);
}

static void
set_simple (GstAdaInFilter * self, guint id, const GValue * value)
{
  AdaInSettings *s = &self->settings;

  GST_OBJECT_LOCK (self);
  switch (id) {
    case PROP_WEIGHTS:
      g_free (s->weights);
      s->weights = g_value_dup_string (value);
      break;
    case PROP_ALPHA:
      s->alpha = g_value_get_double (value);
      break;
    case PROP_MASK:
      g_free (s->mask);
      s->mask = g_value_dup_string (value);
      s->style_serial++;
      break;
    case PROP_TRANSITION:
      s->transition = g_value_get_uint64 (value);
      break;
    case PROP_PRESERVE_COLOR:
      s->preserve_color = g_value_get_boolean (value);
      break;
    case PROP_NAVIGATION:
      s->navigation = g_value_get_boolean (value);
      break;
    case PROP_SMOOTHING:
      s->smoothing = g_value_get_double (value);
      break;
    case PROP_MOTION:
      s->motion = g_value_get_boolean (value);
      break;
    case PROP_STYLE_SIZE:
      s->style_size = g_value_get_int (value);
      s->style_serial++;
      break;
    case PROP_PROCESSING_SIZE:
      s->processing_size = g_value_get_int (value);
      break;
    case PROP_LUT:
      g_free (s->lut);
      s->lut = g_value_dup_string (value);
      break;
    case PROP_OUTPUT_LUT:
      g_free (s->output_lut);
      s->output_lut = g_value_dup_string (value);
      break;
    case PROP_HDR:
      s->hdr = g_value_get_enum (value);
      break;
    case PROP_DEVICE:
      s->device = g_value_get_enum (value);
      break;
    case PROP_DEVICE_ID:
      s->device_id = g_value_get_int (value);
      break;
    case PROP_THREADS:
      s->threads = g_value_get_int (value);
      break;
    case PROP_PRECISION:
      s->precision = g_value_get_enum (value);
      break;
  }
  GST_OBJECT_UNLOCK (self);
}

static void
set_property (GObject * o, guint id, const GValue * value, GParamSpec * pspec)
{
  GstAdaInFilter *self = ADAIN_FILTER (o);

  switch (id) {
    case PROP_STYLE:
      set_style (self, g_value_get_string (value));
      g_object_notify_by_pspec (o, properties[PROP_STYLES]);
      break;
    case PROP_STYLES:
      set_styles (self, value);
      break;
    case PROP_STYLE_WEIGHTS:
      set_style_weights (self, value);
      break;
    case PROP_STYLE_STATISTICS:
      set_style_statistics (self, g_value_get_boxed (value));
      break;
    default:
      if (id > PROP_0 && id < N_PROPERTIES)
        set_simple (self, id, value);
      else
        G_OBJECT_WARN_INVALID_PROPERTY_ID (o, id, pspec);
  }
}

static void
get_property (GObject * o, guint id, GValue * value, GParamSpec * pspec)
{
  GstAdaInFilter *self = ADAIN_FILTER (o);
  AdaInSettings *s = &self->settings;

  if (id == PROP_CURRENT_STATISTICS) {
    GstStructure *current = goAdaInStatistics (self);

    g_value_take_boxed (value, current ? current : gst_structure_new_empty (ADAIN_STATISTICS_NAME));
    return;
  }
  if (id == PROP_STYLES) {
    get_styles (self, value);
    return;
  }
  if (id == PROP_STATS) {
    g_value_take_boxed (value, adain_stats (self));
    return;
  }
  GST_OBJECT_LOCK (self);
  switch (id) {
    case PROP_WEIGHTS:
      g_value_set_string (value, s->weights ? s->weights : "");
      break;
    case PROP_STYLE:
      g_value_set_string (value, s->style);
      break;
    case PROP_STYLE_WEIGHTS:
      adain_doubles_to_array (s->style_weights, s->n_style_weights, value);
      break;
    case PROP_STYLE_STATISTICS:
      g_value_take_boxed (value, adain_statistics_to_structure (&s->statistics));
      break;
    case PROP_ALPHA:
      g_value_set_double (value, s->alpha);
      break;
    case PROP_MASK:
      g_value_set_string (value, s->mask ? s->mask : "");
      break;
    case PROP_TRANSITION:
      g_value_set_uint64 (value, s->transition);
      break;
    case PROP_PRESERVE_COLOR:
      g_value_set_boolean (value, s->preserve_color);
      break;
    case PROP_NAVIGATION:
      g_value_set_boolean (value, s->navigation);
      break;
    case PROP_SMOOTHING:
      g_value_set_double (value, s->smoothing);
      break;
    case PROP_MOTION:
      g_value_set_boolean (value, s->motion);
      break;
    case PROP_STYLE_SIZE:
      g_value_set_int (value, s->style_size);
      break;
    case PROP_PROCESSING_SIZE:
      g_value_set_int (value, s->processing_size);
      break;
    case PROP_LUT:
      g_value_set_string (value, s->lut ? s->lut : "");
      break;
    case PROP_OUTPUT_LUT:
      g_value_set_string (value, s->output_lut ? s->output_lut : "");
      break;
    case PROP_HDR:
      g_value_set_enum (value, s->hdr);
      break;
    case PROP_DEVICE:
      g_value_set_enum (value, s->device);
      break;
    case PROP_DEVICE_ID:
      g_value_set_int (value, s->device_id);
      break;
    case PROP_THREADS:
      g_value_set_int (value, s->threads);
      break;
    case PROP_PRECISION:
      g_value_set_enum (value, s->precision);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (o, id, pspec);
  }
  GST_OBJECT_UNLOCK (self);
}

static gboolean
sets_style (const GParamSpec * spec)
{
  return spec == properties[PROP_STYLE] || spec == properties[PROP_STYLE_WEIGHTS] || spec == properties[PROP_STYLE_SIZE]
      || spec == properties[PROP_MASK] || spec == properties[PROP_STYLE_STATISTICS];
}

/* GObject calls this once for all properties of one g_object_set, so that style and style-weights set together reach the
 * worker together. Another property's notification, on another thread in the middle of such a set, must not tell of its first half. */
static void
dispatch_properties_changed (GObject * o, guint n, GParamSpec ** specs)
{
  GstAdaInFilter *self = ADAIN_FILTER (o);
  gboolean style = FALSE;

  G_OBJECT_CLASS (adain_parent_class)->dispatch_properties_changed (o, n, specs);
  for (guint i = 0; i < n; i++)
    style = style || sets_style (specs[i]);
  if (style && adain_settings_announce (self))
    goAdaInStyleChanged (self);
}

void
adain_notify_statistics (GstAdaInFilter * self)
{
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_CURRENT_STATISTICS]);
}

void
adain_install_properties (GObjectClass * klass, const AdaInClass * c)
{
  default_style = g_intern_string (c->default_style);
  klass->set_property = set_property;
  klass->get_property = get_property;
  klass->dispatch_properties_changed = dispatch_properties_changed;
  adain_make_specs (properties, c);
  g_object_class_install_properties (klass, N_PROPERTIES, properties);
}
