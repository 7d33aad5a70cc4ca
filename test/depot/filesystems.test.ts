import { expect } from 'chai';
import {
  isNetworkMount,
  mountOf,
  parseMountinfo,
  parseMountOutput,
  refuseNetworkFilesystem,
} from '../../src/platform/filesystems.ts';
import { expectFailure, inFolder } from './helpers.ts';

const MOUNTINFO = `22 27 0:21 / /proc rw,relatime - proc proc rw
27 1 254:0 / / rw,relatime - ext4 /dev/vda rw,discard
40 27 0:40 / /srv/shared\\040files rw,relatime shared:5 - nfs4 filer:/export rw,vers=4.2
41 27 0:41 / /home/me/remote rw master:7 propagate_from:2 - fuse.sshfs me@host:/ rw,user_id=1000
42 27 0:42 / /mnt/host rw - 9p hostshare rw,trans=virtio
43 27 0:43 / /mnt/plan9 rw - 9p 10.0.0.1 rw,trans=tcp,port=564
44 27 0:44 / /mnt/twice rw - cifs //filer/a rw
45 27 0:45 / /mnt/twice rw - ext4 /dev/vdb rw

`;

const MACOS = `/dev/disk3s1s1 on / (apfs, sealed, local, read-only, journaled)
devfs on /dev (devfs, local, nobrowse)
/dev/disk3s5 on /System/Volumes/Data (apfs, local, journaled, nobrowse, protect)
//sally@filer._smb._tcp.local/Shared (1) on /Volumes/Shared (1) (smbfs, nodev, nosuid, mounted by sally)
map auto_home on /System/Volumes/Data/home (autofs, automounted, nobrowse)
filer:/export on /Volumes/nfs (nfs, nodev, nosuid)
`;

describe('file systems', () => {
  const mounts = parseMountinfo(MOUNTINFO);
  const typeOf = (path: string) => mountOf(path, mounts)?.type;
  const isRemote = (path: string) => isNetworkMount(mountOf(path, mounts) as NonNullable<ReturnType<typeof mountOf>>);

  it('are found by the longest mount point that leads to a path', () => {
    expect(typeOf('/srv/depot')).to.equal('ext4');
    expect(typeOf('/srv/shared files/depot')).to.equal('nfs4');
    expect(typeOf('/srv/shared filesystem')).to.equal('ext4');
    expect(typeOf('/home/me/remote')).to.equal('fuse.sshfs');
    expect(typeOf('/proc/1')).to.equal('proc');
  });

  it('mounted over another one hide it', () => {
    expect(typeOf('/mnt/twice/x')).to.equal('ext4');
    expect(isRemote('/mnt/twice')).to.equal(false);
  });

  it('are told apart as local or shared between hosts', () => {
    expect(isRemote('/srv/shared files')).to.equal(true);
    expect(isRemote('/home/me/remote/x')).to.equal(true);
    expect(isRemote('/mnt/host')).to.equal(false);
    expect(isRemote('/mnt/plan9')).to.equal(true);
    for (const type of [
      'nfs',
      'cifs',
      'smb3',
      'smbfs',
      'afs',
      'ceph',
      'glusterfs',
      'lustre',
      'fuse.glusterfs',
      'fuse.s3fs',
    ]) {
      expect(isNetworkMount({ mountPoint: '/', type, options: [] }), type).to.equal(true);
    }
    for (const type of ['ext4', 'xfs', 'btrfs', 'zfs', 'apfs', 'tmpfs', 'overlay', 'fuse.lxcfs', 'fuseblk']) {
      expect(isNetworkMount({ mountPoint: '/', type, options: [] }), type).to.equal(false);
    }
  });

  it('are read from the mount output of macOS', () => {
    const found = parseMountOutput(MACOS);
    expect(mountOf('/Volumes/Shared (1)/depot', found)?.type).to.equal('smbfs');
    expect(mountOf('/Volumes/nfs/depot', found)?.type).to.equal('nfs');
    expect(mountOf('/Users/sally', found)?.type).to.equal('apfs');
  });

  it('shared between hosts are refused for a database, also where the folder is not there yet', () =>
    inFolder(async (dir) => {
      const read = async () => [...mounts, { mountPoint: dir, type: 'nfs4', options: [] }];
      const error = await expectFailure(
        refuseNetworkFilesystem(`${dir}/not/yet`, 'The depot', read),
        'NETWORK_FILESYSTEM',
        'refused',
      );
      expect(error.message).to.include('nfs4').and.include(dir);
      await refuseNetworkFilesystem(dir, 'The depot', async () => mounts);
      await refuseNetworkFilesystem(dir, 'The depot', async () => null);
      await refuseNetworkFilesystem(dir, 'The depot');
    }));
});
