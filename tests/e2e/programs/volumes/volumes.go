package main

import (
	"context"
	"os"
	"path/filepath"

	core "k8s.io/api/core/v1"
	storage "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/api/errors"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

const (
	class         = "local"
	name          = "test/local"
	provisionedBy = "pv.kubernetes.io/provisioned-by"
)

// provisioner creates a local PersistentVolume, a folder in root, for each claim of the default storage class, and removes
// both after the claim. Unlike a hostPath volume, a local volume has the fsGroup of the pod. All nodes mount the same folder,
// as they would mount a network volume.
type provisioner struct {
	client kubernetes.Interface
	root   string
}

func (p provisioner) createClass(ctx context.Context) error {
	reclaim, binding := core.PersistentVolumeReclaimDelete, storage.VolumeBindingImmediate
	_, err := p.client.StorageV1().StorageClasses().Create(ctx, &storage.StorageClass{
		ObjectMeta: meta.ObjectMeta{
			Name:        class,
			Annotations: map[string]string{"storageclass.kubernetes.io/is-default-class": "true"},
		},
		Provisioner:       name,
		ReclaimPolicy:     &reclaim,
		VolumeBindingMode: &binding,
	}, meta.CreateOptions{})
	if errors.IsAlreadyExists(err) {
		return nil
	}
	return err
}

// reconcile provisions all unbound claims and removes all released volumes.
func (p provisioner) reconcile(ctx context.Context) error {
	claims, err := p.client.CoreV1().PersistentVolumeClaims("").List(ctx, meta.ListOptions{})
	if err != nil {
		return err
	}
	for _, c := range claims.Items {
		mine := c.Spec.StorageClassName != nil && *c.Spec.StorageClassName == class
		if mine && c.Spec.VolumeName == "" && c.DeletionTimestamp == nil {
			if err := p.provide(ctx, &c); err != nil && !errors.IsAlreadyExists(err) {
				return err
			}
		}
	}
	all, err := p.client.CoreV1().PersistentVolumes().List(ctx, meta.ListOptions{})
	if err != nil {
		return err
	}
	for _, pv := range all.Items {
		if pv.Annotations[provisionedBy] == name && pv.Status.Phase == core.VolumeReleased {
			if err := os.RemoveAll(pv.Spec.Local.Path); err != nil {
				return err
			}
			err := p.client.CoreV1().PersistentVolumes().Delete(ctx, pv.Name, meta.DeleteOptions{})
			if err != nil && !errors.IsNotFound(err) {
				return err
			}
		}
	}
	return nil
}

func (p provisioner) provide(ctx context.Context, c *core.PersistentVolumeClaim) error {
	volume := "pvc-" + string(c.UID)
	path := filepath.Join(p.root, volume)
	if err := os.MkdirAll(path, 0o777); err != nil {
		return err
	}
	_, err := p.client.CoreV1().PersistentVolumes().Create(ctx, &core.PersistentVolume{
		ObjectMeta: meta.ObjectMeta{Name: volume, Annotations: map[string]string{provisionedBy: name}},
		Spec: core.PersistentVolumeSpec{
			StorageClassName:              class,
			PersistentVolumeReclaimPolicy: core.PersistentVolumeReclaimDelete,
			AccessModes:                   c.Spec.AccessModes,
			Capacity:                      c.Spec.Resources.Requests,
			ClaimRef: &core.ObjectReference{
				APIVersion: "v1", Kind: "PersistentVolumeClaim",
				Namespace: c.Namespace, Name: c.Name, UID: c.UID,
			},
			PersistentVolumeSource: core.PersistentVolumeSource{Local: &core.LocalVolumeSource{Path: path}},
			NodeAffinity: &core.VolumeNodeAffinity{Required: &core.NodeSelector{
				NodeSelectorTerms: []core.NodeSelectorTerm{{
					MatchExpressions: []core.NodeSelectorRequirement{{
						Key: core.LabelHostname, Operator: core.NodeSelectorOpExists,
					}},
				}},
			}},
		},
	}, meta.CreateOptions{})
	return err
}
