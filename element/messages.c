#include "adain.h"
#include <stdlib.h>

static void
domain_and_code (gint kind, GQuark * domain, gint * code)
{
  switch (kind) {
    case ADAIN_ERROR_INIT:
      *domain = GST_LIBRARY_ERROR, *code = GST_LIBRARY_ERROR_INIT;
      break;
    case ADAIN_ERROR_NOT_FOUND:
      *domain = GST_RESOURCE_ERROR, *code = GST_RESOURCE_ERROR_NOT_FOUND;
      break;
    case ADAIN_ERROR_OPEN:
      *domain = GST_RESOURCE_ERROR, *code = GST_RESOURCE_ERROR_OPEN_READ;
      break;
    case ADAIN_ERROR_READ:
      *domain = GST_RESOURCE_ERROR, *code = GST_RESOURCE_ERROR_READ;
      break;
    case ADAIN_ERROR_SETTINGS:
      *domain = GST_RESOURCE_ERROR, *code = GST_RESOURCE_ERROR_SETTINGS;
      break;
    case ADAIN_ERROR_CAPS:
      *domain = GST_CORE_ERROR, *code = GST_CORE_ERROR_NEGOTIATION;
      break;
    case ADAIN_ERROR_STREAM:
      *domain = GST_STREAM_ERROR, *code = GST_STREAM_ERROR_FAILED;
      break;
    default:
      *domain = GST_LIBRARY_ERROR, *code = GST_LIBRARY_ERROR_FAILED;
  }
}

/* Posts an error message on the bus and empties e. Any thread. */
void
adain_post_error (GstAdaInFilter * self, AdaInError * e)
{
  GQuark domain;
  gint code;

  domain_and_code (e->kind, &domain, &code);
  gst_element_message_full (GST_ELEMENT (self), GST_MESSAGE_ERROR, domain, code,
      g_strdup (e->text), g_strdup (e->debug), __FILE__, GST_FUNCTION, __LINE__);
  free (e->text);
  free (e->debug);
  *e = (AdaInError) { 0 };
}

/* Posts the element message adain-style: what became of a wanted style. Any thread. */
void
adain_post_style (GstAdaInFilter * self, const char *name, gboolean ok, const char *error)
{
  GstStructure *s = gst_structure_new ("adain-style", "name", G_TYPE_STRING, name,
      "ok", G_TYPE_BOOLEAN, ok, "error", G_TYPE_STRING, error, NULL);

  gst_element_post_message (GST_ELEMENT (self), gst_message_new_element (GST_OBJECT (self), s));
}

void
adain_log_info (GstAdaInFilter * self, const char *text)
{
  GST_INFO_OBJECT (self, "%s", text);
}

void
adain_log_warning (GstAdaInFilter * self, const char *text)
{
  GST_WARNING_OBJECT (self, "%s", text);
}
