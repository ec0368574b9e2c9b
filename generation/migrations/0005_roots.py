"""Pictures that were edited before families were known are given their first photo."""

from django.db import migrations


def find_roots(apps, schema_editor):
    Photo = apps.get_model("generation", "Photo")
    Input = apps.get_model("generation", "Input")
    made = Photo.objects.filter(job__tool="edit", root=None).order_by("pk")
    for pk, job_id in list(made.values_list("pk", "job_id")):  # a parent is older than its child
        base = Input.objects.filter(job=job_id, role="base").select_related("photo").first()
        if base:
            Photo.objects.filter(pk=pk).update(root=base.photo.root_id or base.photo_id)


class Migration(migrations.Migration):
    dependencies = [("generation", "0004_talk")]
    operations = [migrations.RunPython(find_roots, migrations.RunPython.noop, elidable=True)]
