# Creates nested directories d/d/… below a directory, and prints the inode numbers of all of them.
import os, sys
os.chdir(sys.argv[1])
inodes = [os.stat('.').st_ino]
for _ in range(int(sys.argv[2])):
    os.mkdir('d')
    os.chdir('d')
    inodes.append(os.stat('.').st_ino)
print(inodes)
